"""Logging: one line per record, and no request waits for standard error."""

import fcntl
import json
import logging
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from contextvars import copy_context
from typing import Any

import pytest
from django.test import RequestFactory

from gateway.observability import logging as gateway_logging
from gateway.observability.logging import BackgroundHandler, JsonFormatter, ReadableFormatter
from tests.waiting import wait_until
from users import log_context, metrics

NASTY = 'a\r\nb\x1b[31mc\u2028d\u2029e\x00f"g\u202eh\x7fi\x85jé'


def record(message: str = "something", **more: Any) -> logging.LogRecord:
    args, exc_info = more.pop("args", None), more.pop("exc_info", None)
    made = logging.LogRecord("gateway.tests", logging.INFO, __file__, 1, message, args, exc_info)
    made.__dict__.update(more)
    return made


def failure() -> Any:
    password = "hunter2"
    try:
        raise RuntimeError(NASTY)
    except RuntimeError as error:
        return (type(error), error, error.__traceback__) if password else None


def test_line_is_a_json_object_with_time_level_and_logger() -> None:
    line = json.loads(JsonFormatter().format(record(fields={"status": 200, "path": "/graphql"})))
    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "something",
        "level": "info",
        "logger": "gateway.tests",
        "status": 200,
        "path": "/graphql",
    }


@pytest.mark.parametrize("lines", [JsonFormatter, ReadableFormatter])
def test_line_has_the_time_of_the_call(lines: Any) -> None:
    assert "1970-01-01T00:00:07.500000Z" in lines().format(record(created=7.5))


def test_line_has_the_request_id() -> None:
    context = copy_context()
    context.run(log_context.request_id.set, "request-12345")
    line, readable = (context.run(form().format, record()) for form in (JsonFormatter, ReadableFormatter))
    assert json.loads(line)["request"] == "request-12345"
    assert "request=request-12345" in readable


def test_s90_other_attributes_of_a_record_are_not_logged() -> None:
    request = RequestFactory().get("/graphql", {"variables": '{"password": "hunter2"}'})
    line = JsonFormatter().format(record(request=request, status_code=400, password="hunter2"))
    assert "hunter2" not in line


@pytest.mark.parametrize("lines", [JsonFormatter, ReadableFormatter])
@pytest.mark.parametrize("place", ["message", "path", "operation", "client"])
def test_s91_text_cannot_end_a_line_or_control_a_terminal(lines: Any, place: str) -> None:
    line = lines().format(record(NASTY) if place == "message" else record(fields={place: NASTY}))
    assert line.isascii()
    assert line.isprintable(), line


def test_s91_traceback_is_part_of_its_line() -> None:
    line = JsonFormatter().format(record(exc_info=failure()))
    assert line.isascii()
    assert line.isprintable()
    assert "in failure" in json.loads(line)["exception"]
    assert NASTY in json.loads(line)["exception"]


@pytest.mark.parametrize("lines", [JsonFormatter, ReadableFormatter])
def test_s90_traceback_contains_no_variable(lines: Any) -> None:
    line = lines().format(record(exc_info=failure()))
    assert "in failure" in line
    # Except for source lines.
    assert line.count("hunter2") == 0


def test_audit_log_is_written_at_any_level() -> None:
    config = gateway_logging.configuration("json", "ERROR")
    assert config["root"]["level"] == "ERROR"
    assert config["loggers"]["gateway.audit"]["level"] == "INFO"


def test_s90_statements_are_not_logged_at_any_level() -> None:
    assert gateway_logging.configuration("json", "DEBUG")["loggers"]["django.db.backends"]["level"] == "INFO"


@pytest.mark.parametrize("lines", [JsonFormatter, ReadableFormatter])
def test_s90_traceback_has_no_local_variables(lines: Any) -> None:
    password = "".join(reversed("2retnuh"))
    try:
        raise RuntimeError(len(password))
    except RuntimeError as error:
        line = lines().format(record(exc_info=(type(error), error, error.__traceback__)))
    assert "RuntimeError: 7" in line
    assert password not in line


def test_s91_traceback_for_a_developer_is_indented_and_escaped() -> None:
    first, *traceback = ReadableFormatter().format(record(exc_info=failure())).split("\n")
    assert "something" in first
    assert all(line.startswith("    ") and line.isprintable() and line.isascii() for line in traceback)


# --- the background thread -----------------------------------------------------------------------


class Pipe:
    """A pipe in place of standard error, of the smallest size."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        fcntl.fcntl(self.writing, fcntl.F_SETPIPE_SZ, 4_096)

    def read(self, count: int) -> list[str]:
        """Read a number of lines."""
        text = b""
        while text.count(b"\n") < count:
            assert select.select([self.reading], [], [], 10)[0], f"no more lines after {text!r}"
            text += os.read(self.reading, 65_536)
        return text.decode().splitlines()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    os.close(made.reading)
    os.close(made.writing)


@pytest.fixture
def handler(pipe: Pipe) -> Iterator[BackgroundHandler]:
    made = BackgroundHandler("test", size=10, descriptor=pipe.writing)
    yield made

    def is_drained() -> bool:
        with suppress(BlockingIOError):
            os.read(pipe.reading, 65_536)
        return made.writer.written == made.queued

    # Read what the thread still writes, so that it ends.
    os.set_blocking(pipe.reading, False)
    wait_until(is_drained)
    made.close()


def dropped() -> float:
    return metrics.registry.get_sample_value("gateway_log_lines_dropped_total", {"handler": "test"}) or 0


def test_lines_are_written_in_order(handler: BackgroundHandler, pipe: Pipe) -> None:
    for line in ("first", "second", "caf\u00e9 \ud83d"):
        handler.handle(record(line))
    assert pipe.read(3) == ["first", "second", "caf\u00e9 \\ud83d"]


def test_calling_thread_formats_the_line(handler: BackgroundHandler, pipe: Pipe) -> None:
    handler.setFormatter(JsonFormatter())
    context = copy_context()
    context.run(log_context.request_id.set, "request-12345")
    context.run(handler.handle, record("%s and %s", args=("one", "two")))
    handler.handle(record())
    first, second = map(json.loads, pipe.read(2))
    assert (first["event"], first["request"]) == ("one and two", "request-12345")
    assert "request" not in second


def test_f25_unread_standard_error_drops_and_counts_lines_without_blocking(
    handler: BackgroundHandler, pipe: Pipe, caplog: pytest.LogCaptureFixture
) -> None:
    line, before = "x" * 1_000, dropped()
    for _ in range(100):
        handler.handle(record(line))
    lost = int(dropped() - before)
    # The pipe holds four lines, the queue ten, and the thread one.
    assert 80 <= lost <= 90
    assert pipe.read(100 - lost) == [line] * (100 - lost)
    assert not caplog.records
    handler.handle(record("after"))
    assert pipe.read(1) == ["after"]
    (notice,) = (each.getMessage() for each in caplog.records if each.name == "gateway.logging")
    assert notice == f"dropped {lost} log lines because standard error was not read"


def test_f25_flush_times_out_if_the_thread_is_blocked(
    handler: BackgroundHandler, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_logging, "FLUSH_TIMEOUT", 0.05)
    for _ in range(10):
        handler.handle(record("x" * 1_000))
    handler.flush()
    handler.close()
    assert handler.writer.written < handler.queued


def test_failed_write_is_counted_and_the_next_line_is_written(
    handler: BackgroundHandler, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dropped()
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(handler.writer, "descriptor", full.fileno())
        handler.handle(record("lost"))
        wait_until(lambda: handler.writer.written == 1)
    monkeypatch.setattr(handler.writer, "descriptor", pipe.writing)
    handler.handle(record("written"))
    assert pipe.read(1) == ["written"]
    assert dropped() == before + 1


def test_record_that_cannot_be_formatted_is_reported_without_its_arguments(
    handler: BackgroundHandler, pipe: Pipe, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    handler.handle(record("%d", args=("hunter2",)))
    handler.handle(record("next"))
    assert pipe.read(1) == ["next"]
    assert [each.getMessage() for each in caplog.records] == ["cannot format a record of the logger gateway.tests"]
    assert "hunter2" not in capfd.readouterr().err


PROCESS = """
import logging, logging.config, sys
from gateway.observability.logging import configuration
logging.config.dictConfig(configuration("json", "INFO"))
for number in range(int(sys.argv[1])):
    logging.getLogger("any").info("line %d", number)
    logging.getLogger("gateway.audit").info('{"number": %d}', number)
"""


def test_process_writes_its_last_lines_before_it_ends() -> None:
    ended = subprocess.run([sys.executable, "-c", PROCESS, "300"], capture_output=True, text=True, timeout=30)
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert ended.returncode == 0
    assert [line["number"] for line in lines if "number" in line] == [*range(300)]
    assert [line["event"] for line in lines if "event" in line] == [f"line {number}" for number in range(300)]


@pytest.mark.services
def test_f25_process_ends_while_standard_error_is_not_read(pipe: Pipe) -> None:
    with subprocess.Popen([sys.executable, "-c", PROCESS, "9000"], stderr=pipe.writing) as process:
        try:
            assert process.wait(20) == 0
        finally:
            process.kill()
