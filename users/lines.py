"""Lines of a log: a JSON object each, in ASCII, so that nothing in it ends the line or speaks to a terminal."""

import json
from contextvars import ContextVar
from typing import Any

import orjson

# The name of the request under way, which every line that is said meanwhile bears.
request: ContextVar[str | None] = ContextVar("request", default=None)


def named() -> dict[str, str]:
    """The name of the request under way, where there is one."""
    name = request.get()
    return {"request": name} if name else {}


def of(facts: dict[str, Any]) -> str:
    """The line of these facts; by the quick writer where it writes nothing but what can be printed."""
    try:
        quick = orjson.dumps(facts, default=repr)
    except TypeError:
        # Half of a letter, which UTF-8 does not know.
        return json.dumps(facts, default=repr)
    is_plain = quick.isascii() and b"\x7f" not in quick
    return quick.decode() if is_plain else json.dumps(facts, default=repr)
