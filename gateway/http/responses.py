"""JSON responses."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from gateway.graphql import errors
from gateway.http.content_negotiation import JSON
from users.errors import Refusal, ServiceUnavailable


def json_response(
    content: Any, *, media_type: str = JSON, status: int = 200, headers: dict[str, str] | None = None
) -> HttpResponse:
    """Return a JSON response that caches do not store."""
    body = orjson.dumps(content)
    response = HttpResponse(body, status=status, content_type=f"{media_type}; charset=utf-8", headers=headers)
    response["Content-Length"] = str(len(body))
    response["Cache-Control"] = "no-store"
    response["Vary"] = "Accept, Authorization, Origin"
    return response


def graphql_response(
    results: list[dict[str, Any]], *, is_batch: bool = False, media_type: str = JSON, status: int = 200
) -> HttpResponse:
    """Return the response to one operation, or to a batch."""
    extensions = [error["extensions"] for result in results for error in result.get("errors", ())]
    retry_after = max((each.get("retryAfter", 0) for each in extensions), default=0)
    headers = {"Retry-After": str(retry_after)} if retry_after else None
    content = results if is_batch else results[0]
    response = json_response(content, media_type=media_type, status=status, headers=headers)
    # For logs, metrics and traces.
    response.graphql_errors = extensions  # type: ignore[attr-defined]
    return response


def refusal_response(refusal: Refusal, status: int, headers: dict[str, str] | None = None) -> HttpResponse:
    """Return a refusal in plain JSON, because no GraphQL operation was executed."""
    response = graphql_response([{"errors": [errors.format_refusal(refusal)]}], status=status)
    for name, value in (headers or {}).items():
        response[name] = value
    return response


def failure_response(exception: BaseException, request: HttpRequest) -> HttpResponse:
    """Log an unexpected exception and return a response that does not reveal it."""
    refusal = errors.mask_exception(exception, request)
    return refusal_response(refusal, 503 if isinstance(refusal, ServiceUnavailable) else 500)


def graphql_errors(response: Any) -> list[dict[str, Any]]:
    """Return the extensions of all errors in a response."""
    extensions: list[dict[str, Any]] = getattr(response, "graphql_errors", [])
    return extensions
