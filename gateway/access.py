"""The access log: a line for every answer, with what it was about and what it cost, and nothing that was said."""

import logging
from collections.abc import Callable
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponseBase

from gateway import health, sinks

log = logging.getLogger("gateway.access")
MOST_CODES = 5


class Statements:
    """Counts the SQL statements that pass by; after one that the database did not answer in time, none does."""

    __slots__ = ("count", "is_over")

    def __init__(self) -> None:
        self.count, self.is_over = 0, False

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Let one pass."""
        if self.is_over:
            # Every field of the request would wait for it anew.
            raise OperationalError("the database has failed this request before")
        self.count += 1
        try:
            return execute(sql, params, many, context)
        except (OperationalError, InterfaceError):
            self.is_over = True
            raise


def write(request: HttpRequest, response: HttpResponseBase, *, seconds: float, statements: int) -> None:
    """Write the line of a request; of a probe that found everything well, only for who asks for details."""
    is_quiet = request.path_info in health.PATHS and response.status_code == 200
    level = logging.DEBUG if is_quiet else logging.INFO
    if not log.isEnabledFor(level):
        return
    facts = {
        "request": getattr(request, "id", None),
        "method": request.method,
        # Without its query, which may hold variables.
        "path": request.path,
        "status": response.status_code,
        "operation": getattr(request, "operation_name", None),
        "codes": codes_of(response)[:MOST_CODES],
        "ms": round(seconds * 1_000, 1),
        "statements": statements,
        "client": getattr(request, "client_address", None),
    }
    sinks.say(log, level, "request", facts)


def codes_of(response: HttpResponseBase) -> list[str]:
    """The codes of the errors in an answer."""
    return [extensions["code"] for extensions in getattr(response, "told", ())]
