"""The access log: one line per response, with the operation and its cost, without arguments and query strings."""

import logging
from collections.abc import Callable
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponseBase

from gateway.http import health
from gateway.http.request_info import get_info
from gateway.http.responses import graphql_errors

log = logging.getLogger("gateway.access")
MAX_CODES = 5


class StatementCounter:
    """Counts the SQL statements of a request. After a failure of the database it refuses further statements."""

    __slots__ = ("count", "has_failed")

    def __init__(self) -> None:
        self.count, self.has_failed = 0, False

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Execute a statement, unless an earlier one of this request failed."""
        if self.has_failed:
            # Otherwise every field of the request would wait for the timeout again.
            raise OperationalError("the database failed earlier in this request")
        self.count += 1
        try:
            return execute(sql, params, many, context)
        except (OperationalError, InterfaceError):
            self.has_failed = True
            raise


def write(request: HttpRequest, response: HttpResponseBase, *, seconds: float, statements: int) -> None:
    """Log a request, at level DEBUG if it is a successful health probe."""
    info = get_info(request)
    is_probe = request.path_info in health.PATHS and response.status_code == 200
    fields = {
        "request": info.id,
        "method": request.method,
        # Without the query string, which may contain variables.
        "path": request.path,
        "status": response.status_code,
        "operation": info.operation_name,
        "codes": [extensions["code"] for extensions in graphql_errors(response)[:MAX_CODES]],
        "ms": round(seconds * 1_000, 1),
        "statements": statements,
        "client": info.client_ip,
    }
    log.log(logging.DEBUG if is_probe else logging.INFO, "request", extra={"fields": fields})
