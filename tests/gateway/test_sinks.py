"""Log lines wait for nobody, and nobody waits for them."""

import logging
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from gateway import logs, sinks
from users import lines


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


def test_what_makes_no_line_takes_no_other_with_it(
    sink: sinks.Sink, stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = logging.LogRecord("gateway.tests", logging.INFO, __file__, 1, "%d", ("no number",), None)
    sink.handle(broken)
    say(sink, "the next")
    sink.flush()
    assert "".join(stream.taken) == "the next\n"
    assert "no number" in capsys.readouterr().err


def test_what_cannot_even_be_complained_of_breaks_neither_a_call_nor_the_writer(
    sink: sinks.Sink, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(record: logging.LogRecord) -> None:
        raise ValueError("I/O operation on closed file.")

    class Broken:
        def __str__(self) -> str:
            raise ValueError

    monkeypatch.setattr(sink, "handleError", closed)
    broken = logging.LogRecord("gateway.tests", logging.INFO, __file__, 1, Broken(), None, None)
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


@pytest.fixture
def logger(sink: sinks.Sink) -> logging.Logger:
    """A logger of which the sink alone hears, by way of its parent."""
    sink.setFormatter(logs.json_lines())
    # Unknown to logging, and so to whoever would hear of everything.
    parent, made = logging.Logger("gateway.tests"), logging.Logger("gateway.tests.access", logging.DEBUG)
    parent.addHandler(sink)
    made.parent = parent
    return made


FACTS = {"request": "request-12345", "path": "/graphql\n", "ms": 0.5}


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO])
@pytest.mark.parametrize("name", [None, "another-12345"])
def test_a_line_that_goes_straight_is_what_logging_would_make_of_it(
    sink: sinks.Sink, stream: Stream, logger: logging.Logger, monkeypatch: pytest.MonkeyPatch, level: int, name: Any
) -> None:
    assert sinks.alone(logger) is sink
    monkeypatch.setattr(time, "time", lambda: 1_789_000_000.000_25)
    # Python 3.13 asks for nanoseconds.
    monkeypatch.setattr(time, "time_ns", lambda: 1_789_000_000_000_250_000)
    token = lines.request.set(name)
    sinks.say(logger, level, "request", FACTS)
    logger.log(level, "request", extra={"facts": FACTS})
    lines.request.reset(token)
    sink.flush()
    straight, other = map(orjson.loads, "".join(stream.taken).splitlines())
    assert straight == other
    assert straight["at"] == "2026-09-10T00:26:40.000250Z"


class Heard(logging.Handler):
    """Anybody else."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[Any] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def test_others_who_would_hear_of_it_do(sink: sinks.Sink, stream: Stream, logger: logging.Logger) -> None:
    assert sinks.alone(logger) is sink
    other = Heard()
    logger.addHandler(other)
    assert sinks.alone(logger) is None
    sinks.say(logger, logging.INFO, "request", FACTS)
    sink.flush()
    assert [record.facts for record in other.records] == [FACTS]
    assert len(stream.taken) == 1


@pytest.mark.parametrize("change", ["form", "level", "filter of the sink", "filter of the logger"])
def test_what_logging_would_have_a_say_in_is_left_to_it(
    sink: sinks.Sink, stream: Stream, logger: logging.Logger, change: str
) -> None:
    if change == "form":
        sink.setFormatter(logging.Formatter("%(message)s"))
    elif change == "level":
        sink.setLevel(logging.WARNING)
    else:
        (sink if change == "filter of the sink" else logger).addFilter(lambda record: False)
    sinks.say(logger, logging.INFO, "request", FACTS)
    sink.flush()
    assert stream.taken == (["request\n"] if change == "form" else [])


def test_where_nobody_of_ours_hears_it_others_do(logger: logging.Logger) -> None:
    assert logger.parent
    logger.parent.handlers[:] = [other] = [Heard()]
    sinks.say(logger, logging.INFO, "request", FACTS)
    assert [record.facts for record in other.records] == [FACTS]


def test_many_who_say_the_first_lines_at_one_moment_have_one_writer(
    sink: sinks.Sink, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    writers: list[threading.Thread] = []

    class Slow(threading.Thread):
        def __init__(self, *given: Any, **options: Any) -> None:
            time.sleep(0.05)
            super().__init__(*given, **options)
            writers.append(self)

    monkeypatch.setattr(sinks, "Thread", Slow)
    speaking = [threading.Thread(target=sink.take, args=(str(number),)) for number in range(4)]
    for each in speaking:
        each.start()
    for each in speaking:
        each.join()
    sink.flush()
    assert len(writers) == 1
    assert sorted("".join(stream.taken).split()) == ["0", "1", "2", "3"]


def test_a_logger_that_keeps_it_to_itself_has_no_sink(logger: logging.Logger) -> None:
    logger.propagate = False
    assert sinks.alone(logger) is None
