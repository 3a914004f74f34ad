"""JSON responses."""

from typing import Any

import orjson

from gateway.graphql.errors import BadRequest
from gateway.http.responses import graphql_errors, graphql_response, json_response, refusal_response
from users.errors import NotFound, RateLimited


def failed(code: str, **extensions: Any) -> dict[str, Any]:
    return {"errors": [{"message": "No.", "extensions": {"code": code, **extensions}}]}


def test_response_is_not_cacheable() -> None:
    response = json_response({"a": 1}, status=418)
    assert (response.status_code, response["Content-Type"]) == (418, "application/json; charset=utf-8")
    assert response["Cache-Control"] == "no-store"
    assert int(response["Content-Length"]) == len(response.content)


def test_retry_after_is_the_longest_wait_of_a_batch() -> None:
    answers = [failed("RATE_LIMITED", retryAfter=7), {"data": {}}, failed("SERVICE_UNAVAILABLE", retryAfter=30)]
    response = graphql_response(answers, is_batch=True)
    assert response["Retry-After"] == "30"
    assert orjson.loads(response.content) == answers
    assert [each["code"] for each in graphql_errors(response)] == ["RATE_LIMITED", "SERVICE_UNAVAILABLE"]
    assert "Retry-After" not in graphql_response([failed("NOT_FOUND")])


def test_refusal_has_its_status_headers_and_code() -> None:
    response = refusal_response(BadRequest("Use POST.", 405), 405, {"Allow": "POST"})
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert orjson.loads(response.content)["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}
    assert refusal_response(RateLimited(3), 200)["Retry-After"] == "3"
    assert graphql_errors(refusal_response(NotFound(), 404)) == [{"code": "NOT_FOUND"}]
