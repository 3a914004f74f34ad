"""Logs: one line each, whatever stands in it."""

import json
import logging
from contextvars import copy_context
from typing import Any

import pytest
from django.test import RequestFactory

from gateway import logs
from users.lines import request as under_way

NASTY = 'a\r\nb\x1b[31mc\u2028d\u2029e\x00f"g\u202eh\x7fi\x85jé'


def record(message: str = "something", level: int = logging.INFO, **more: Any) -> logging.LogRecord:
    made = logging.LogRecord("gateway.tests", level, __file__, 1, message, None, more.pop("exc_info", None))
    made.__dict__.update(more)
    return made


def failure() -> Any:
    password = "hunter2"
    try:
        raise RuntimeError(NASTY)
    except RuntimeError as error:
        return (type(error), error, error.__traceback__) if password else None


def test_a_line_is_a_json_object_with_a_moment_a_level_and_a_logger() -> None:
    line = json.loads(logs.json_lines().format(record(facts={"status": 200, "path": "/graphql"})))
    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "something",
        "level": "info",
        "logger": "gateway.tests",
        "status": 200,
        "path": "/graphql",
    }


@pytest.mark.parametrize("lines", [logs.json_lines, logs.readable_lines])
def test_a_line_tells_when_it_was_said_not_when_it_is_written(lines: Any) -> None:
    assert "1970-01-01T00:00:07.500000Z" in lines().format(record(created=7.5))


def test_a_line_bears_the_name_of_its_request() -> None:
    context = copy_context()
    context.run(under_way.set, "request-12345")
    line, readable = (context.run(form().format, record()) for form in (logs.json_lines, logs.readable_lines))
    assert json.loads(line)["request"] == "request-12345"
    assert "request=request-12345" in readable


def test_s90_of_what_others_add_to_a_record_nothing_is_written() -> None:
    request = RequestFactory().get("/graphql", {"variables": '{"password": "hunter2"}'})
    line = logs.json_lines().format(record(request=request, status_code=400, password="hunter2"))
    assert "hunter2" not in line


@pytest.mark.parametrize("lines", [logs.json_lines, logs.readable_lines])
@pytest.mark.parametrize("place", ["message", "path", "operation", "client"])
def test_s91_no_text_ends_a_line_or_speaks_to_a_terminal(lines: Any, place: str) -> None:
    line = lines().format(record(NASTY) if place == "message" else record(facts={place: NASTY}))
    assert line.isascii()
    assert line.isprintable(), line


def test_s91_a_traceback_is_part_of_its_line() -> None:
    line = logs.json_lines().format(record(exc_info=failure()))
    assert line.isascii()
    assert line.isprintable()
    assert "in failure" in json.loads(line)["exception"]
    assert NASTY in json.loads(line)["exception"]


@pytest.mark.parametrize("lines", [logs.json_lines, logs.readable_lines])
def test_s90_a_traceback_shows_no_variable(lines: Any) -> None:
    line = lines().format(record(exc_info=failure()))
    assert "in failure" in line
    # But for the lines of the code itself.
    assert line.count("hunter2") == 0


def test_the_audit_trail_is_kept_whatever_the_level() -> None:
    config = logs.configuration("json", "ERROR")
    assert config["root"]["level"] == "ERROR"
    assert config["loggers"]["gateway.audit"]["level"] == "INFO"


def test_s90_statements_are_not_logged_at_any_level() -> None:
    assert logs.configuration("json", "DEBUG")["loggers"]["django.db.backends"]["level"] == "INFO"


@pytest.mark.parametrize("lines", [logs.json_lines, logs.readable_lines])
def test_s90_a_traceback_has_no_local_variables(lines: Any) -> None:
    password = "".join(reversed("2retnuh"))
    try:
        raise RuntimeError(len(password))
    except RuntimeError as error:
        line = lines().format(record(exc_info=(type(error), error, error.__traceback__)))
    assert "RuntimeError: 7" in line
    assert password not in line
