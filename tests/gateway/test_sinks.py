"""Log lines wait for nobody, and nobody waits for them."""

import logging
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gateway import sinks


class Stream:
    """A stream that takes lines when it may."""

    def __init__(self) -> None:
        self.may_take = threading.Event()
        self.may_take.set()
        self.taken: list[str] = []

    def write(self, text: str) -> None:
        self.may_take.wait(20)
        self.taken.append(text)

    def flush(self) -> None:
        pass


@pytest.fixture
def stream() -> Stream:
    return Stream()


@pytest.fixture
def sink(stream: Any) -> Iterator[sinks.Sink]:
    made = sinks.Sink(most=10)
    made.stream = stream
    yield made
    stream.may_take.set()
    made.flush()


def say(sink: sinks.Sink, *lines: str) -> None:
    for line in lines:
        sink.handle(logging.LogRecord("gateway.tests", logging.INFO, __file__, 1, line, None, None))


def test_lines_come_in_order_and_whole(sink: sinks.Sink, stream: Stream) -> None:
    say(sink, "first", "second")
    sink.flush()
    assert "".join(stream.taken) == "first\nsecond\n"


def test_as_many_lines_are_written_at_once_as_a_pipe_takes_in_one_piece(stream: Any) -> None:
    sink = sinks.Sink(most=100)
    sink.stream = stream
    long = "x" * 2 * sinks.PIECE
    lines = [*(str(number) * 900 for number in range(1, 10)), long, "last"]
    say(sink, *lines)
    sink.flush()
    assert "".join(stream.taken).split("\n") == [*lines, ""]
    assert all(piece.endswith("\n") for piece in stream.taken)
    assert all(len(piece) <= sinks.PIECE for piece in stream.taken if long not in piece)
    assert 3 <= len(stream.taken) < len(lines)


def test_a_line_is_made_by_who_knows_the_request(sink: sinks.Sink, stream: Stream) -> None:
    made: dict[str, str] = {}

    class Lines(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            made[record.getMessage()] = threading.current_thread().name
            return super().format(record)

    sink.setFormatter(Lines())
    facts: dict[str, dict[str, str]] = {"names it": {"request": "request-12345"}, "does not": {"operation": "Me"}}
    for message, more in facts.items():
        record = logging.LogRecord("gateway.tests", logging.INFO, __file__, 1, message, None, None)
        record.facts = more
        sink.handle(record)
    say(sink, "says nothing")
    sink.flush()
    speaker = threading.current_thread().name
    assert made == {"names it": "log", "does not": speaker, "says nothing": speaker}
    assert "".join(stream.taken) == "names it\ndoes not\nsays nothing\n"


def test_a_line_says_what_was_so_when_it_was_said(sink: sinks.Sink, stream: Stream) -> None:
    names = ["before"]
    record = logging.LogRecord("gateway.tests", logging.INFO, __file__, 1, "%s", (names,), None)
    record.facts = {"request": "request-12345"}
    sink.handle(record)
    names[0] = "after"
    sink.flush()
    assert "".join(stream.taken) == "['before']\n"


@pytest.mark.parametrize("facts", [{}, {"request": "request-12345"}, None, 1, "request"])
def test_what_makes_no_line_takes_no_other_with_it(
    sink: sinks.Sink, stream: Stream, facts: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = logging.LogRecord("gateway.tests", logging.INFO, __file__, 1, "%d", ("no number",), None)
    broken.facts = facts
    sink.handle(broken)
    say(sink, "the next")
    sink.flush()
    assert "".join(stream.taken) == "the next\n"
    assert "no number" in capsys.readouterr().err


@pytest.mark.parametrize("facts", [{}, {"request": "request-12345"}])
def test_what_cannot_even_be_complained_of_breaks_neither_a_call_nor_the_writer(
    sink: sinks.Sink, stream: Stream, monkeypatch: pytest.MonkeyPatch, facts: dict[str, str]
) -> None:
    def closed(record: logging.LogRecord) -> None:
        raise ValueError("I/O operation on closed file.")

    class Broken:
        def __str__(self) -> str:
            raise ValueError

    monkeypatch.setattr(sink, "handleError", closed)
    broken = logging.LogRecord("gateway.tests", logging.INFO, __file__, 1, Broken(), None, None)
    broken.facts = facts
    sink.handle(broken)
    say(sink, "the next")
    sink.flush()
    assert "".join(stream.taken) == "the next\n"


def test_f25_a_stream_that_nobody_reads_holds_up_nobody_and_tells_later_what_was_lost(
    sink: sinks.Sink, stream: Stream, caplog: pytest.LogCaptureFixture
) -> None:
    stream.may_take.clear()
    start = time.monotonic()
    say(sink, *map(str, range(100)))
    assert time.monotonic() - start < 5
    stream.may_take.set()
    sink.flush()
    lines = "".join(stream.taken).split()
    # Some may be in the writer's hand.
    assert 10 <= len(lines) <= 20
    assert lines[:3] == ["0", "1", "2"]
    (told,) = [record.getMessage() for record in caplog.records if record.name == "gateway.logs"]
    assert told.startswith(f"{100 - len(lines)} log lines were dropped")


def test_a_stream_that_fails_breaks_nothing(sink: sinks.Sink, stream: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stream, "write", full)
    say(sink, "lost")
    sink.flush()
    monkeypatch.undo()
    say(sink, "found")
    sink.flush()
    assert stream.taken == ["found\n"]


def test_the_end_of_a_process_waits_a_moment_and_no_longer(sink: sinks.Sink, stream: Stream) -> None:
    stream.may_take.clear()
    say(sink, "a line")
    start = time.monotonic()
    sink.flush()
    assert time.monotonic() - start < 5


def test_a_forked_process_writes_its_own_lines(sink: sinks.Sink) -> None:
    say(sink, "before")
    sink.flush()
    reading, writing = os.pipe()
    # Forking beside threads is what servers do; the lines are what is looked at.
    child = os.fork()
    if not child:
        sink.stream = open(writing, "w")  # noqa: SIM115
        say(sink, "in the child")
        sink.flush()
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with open(reading) as said:
        assert said.read() == "in the child\n"
