"""The request id of log lines, and their format: one ASCII JSON object per line, so input cannot forge a line."""

import json
from contextvars import ContextVar
from typing import Any

import orjson

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def fields() -> dict[str, str]:
    """Return the id of the current request, if there is one, as fields of a log line."""
    current = request_id.get()
    return {"request": current} if current else {}


def json_line(fields: dict[str, Any]) -> str:
    """Return the fields as a JSON object in printable ASCII."""
    try:
        # Much faster than json.dumps, but it escapes neither other characters than ASCII nor DEL.
        line = orjson.dumps(fields, default=repr)
    except TypeError:
        # A lone surrogate, which UTF-8 cannot encode.
        return json.dumps(fields, default=repr)
    is_plain = line.isascii() and b"\x7f" not in line
    return line.decode() if is_plain else json.dumps(fields, default=repr)
