"""JSON responses."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from gateway.graphql import errors
from gateway.http.content_negotiation import JSON
from users.errors import Refusal


def json_response(
    content: Any, *, media_type: str = JSON, status: int = 200, headers: dict[str, str] | None = None
) -> HttpResponse:
    """Return a response that no cache stores."""
    body = orjson.dumps(content)
    response = HttpResponse(body, status=status, content_type=f"{media_type}; charset=utf-8", headers=headers)
    response["Content-Length"] = str(len(body))
    response["Cache-Control"] = "no-store"
    response["Vary"] = "Accept, Authorization, Origin"
    return response


def graphql_response(
    answers: list[dict[str, Any]], *, is_batch: bool = False, media_type: str = JSON, status: int = 200
) -> HttpResponse:
    """Return the response to one operation, or to a batch."""
    extensions = [error["extensions"] for answer in answers for error in answer.get("errors", ())]
    wait = max((each.get("retryAfter", 0) for each in extensions), default=0)
    headers = {"Retry-After": str(wait)} if wait else None
    content = answers if is_batch else answers[0]
    response = json_response(content, media_type=media_type, status=status, headers=headers)
    # For logs, metrics and traces.
    response.graphql_errors = extensions  # type: ignore[attr-defined]
    return response


def refusal_response(refusal: Refusal, status: int, headers: dict[str, str] | None = None) -> HttpResponse:
    """Return a refusal as plain JSON: clients look for a GraphQL response in the GraphQL media type only."""
    response = graphql_response([{"errors": [errors.of_refusal(refusal)]}], status=status)
    for name, value in (headers or {}).items():
        response[name] = value
    return response


def failure_response(failure: BaseException, request: HttpRequest) -> HttpResponse:
    """Log an unexpected exception, and return a response that does not reveal it."""
    error = errors.of_failure(failure, request)
    return graphql_response([{"errors": [error]}], status=errors.status_of(error))


def graphql_errors(response: Any) -> list[dict[str, Any]]:
    """Return the extensions of all errors in a response."""
    found: list[dict[str, Any]] = getattr(response, "graphql_errors", [])
    return found
