"""The access log: one line per response, with the operation and its cost, and nothing that the client sent in it."""

import logging
from collections.abc import Callable
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponseBase

from gateway.http import health
from gateway.http.request_info import info
from gateway.http.responses import graphql_errors

log = logging.getLogger("gateway.access")
MAX_CODES = 5


class Statements:
    """Counts the SQL statements of a request, and stops them after one that the database did not answer in time."""

    __slots__ = ("count", "is_over")

    def __init__(self) -> None:
        self.count, self.is_over = 0, False

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Execute a statement, unless the database has failed this request before."""
        if self.is_over:
            # Otherwise every field of the request would wait for the timeout again.
            raise OperationalError("the database has failed this request before")
        self.count += 1
        try:
            return execute(sql, params, many, context)
        except (OperationalError, InterfaceError):
            self.is_over = True
            raise


def write(request: HttpRequest, response: HttpResponseBase, *, seconds: float, statements: int) -> None:
    """Write the line of a request; that of a successful probe only at level DEBUG."""
    is_probe = request.path_info in health.PATHS and response.status_code == 200
    fields = {
        "request": info(request).id,
        "method": request.method,
        # Without the query string, which may contain variables.
        "path": request.path,
        "status": response.status_code,
        "operation": info(request).operation_name,
        "codes": codes_of(response)[:MAX_CODES],
        "ms": round(seconds * 1_000, 1),
        "statements": statements,
        "client": info(request).client_ip,
    }
    log.log(logging.DEBUG if is_probe else logging.INFO, "request", extra={"fields": fields})


def codes_of(response: HttpResponseBase) -> list[str]:
    """Return the codes of the errors in a response."""
    return [extensions["code"] for extensions in graphql_errors(response)]
