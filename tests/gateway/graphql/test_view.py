"""GraphQL over HTTP: methods, statuses, headers and JSON errors."""

import re
from typing import Any

import orjson
import pytest
from django.db import OperationalError
from django.test import Client

from gateway.graphql import view
from tests.api import Answer, Api
from users.models import User
from users.sessions import access_tokens

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
REGISTER = 'mutation { register(username: "mallory", email: "m@example.com", password: "correct horse") { token } }'


def body(query: str, **more: Any) -> bytes:
    return orjson.dumps({"query": query, **more})


# --- methods -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "CONNECT", "BREW"])
def test_s74_other_methods_than_get_and_post_are_refused(api: Api, method: str) -> None:
    answer = Answer(api.client.generic(method, "/graphql"))
    assert (answer.status, answer.code) == (405, "BAD_REQUEST")
    assert answer.response["Allow"] == "GET, POST"


def test_head_response_has_no_body(api: Api) -> None:
    answer = api.client.head("/graphql?query={__typename}")
    assert (answer.status_code, answer["Allow"], answer.content) == (405, "GET, POST", b"")


@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
def test_s74_get_cannot_execute_a_mutation(api: Api, accept: str) -> None:
    answer = api.get(query=REGISTER, headers={"Accept": accept})
    assert (answer.status, answer.code) == (405, "BAD_REQUEST")
    assert answer.response["Allow"] == "POST"
    assert answer.response["Content-Type"].startswith(JSON)
    assert not User.objects.exists()


def test_s74_get_can_execute_the_query_of_a_document_with_a_mutation(api: Api) -> None:
    document = f"query read {{ __typename }} {REGISTER.replace('mutation', 'mutation write')}"
    assert api.get(query=document, operationName="read").data == {"__typename": "Query"}
    assert api.get(query=document, operationName="write").status == 405
    assert not User.objects.exists()


def test_s74_query_string_does_not_override_the_body(api: Api) -> None:
    address = "/graphql?query={me{id}}&operationName=other&variables={}&extensions=x"
    answer = Answer(api.client.post(address, body("query one { __typename }"), content_type=JSON))
    assert answer.data == {"__typename": "Query"}
    empty = Answer(api.client.post("/graphql?query={__typename}", b"{}", content_type=JSON))
    assert (empty.status, empty.code) == (400, "BAD_REQUEST")


def test_get_reads_all_parameters_from_the_query_string(api: Api) -> None:
    document = "query a($wanted: Boolean!) { __typename @include(if: $wanted) } query b { errorCodes }"
    answer = api.get(query=document, operationName="a", variables='{"wanted": false}', extensions='{"x": 1}')
    assert answer.data == {}


def test_get_with_a_json_content_type_is_accepted(api: Api) -> None:
    assert api.get(query="{ __typename }", headers={"Content-Type": JSON}).data == {"__typename": "Query"}


def test_subscriptions_are_refused(api: Api) -> None:
    answer = api("subscription { me { id } }")
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")


# --- statuses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "in_graphql"),
    [
        pytest.param({"query": "{ __typename }"}, 200, id="all well"),
        pytest.param({"query": "{ me { id } }"}, 200, id="a field refuses"),
        pytest.param({"query": "{ me"}, 400, id="no GraphQL"),
        pytest.param({"query": "{ nothing }"}, 400, id="not of the schema"),
        pytest.param({"query": "{" + "me { id }" * 200 + "}"}, 400, id="too complex"),
        pytest.param({"query": "query a { __typename }", "operationName": "b"}, 400, id="no such operation"),
        pytest.param(
            {"query": "query ($a: Boolean!) { __typename @skip(if: $a) }", "variables": {"a": 7}},
            400,
            id="variables that do not fit",
        ),
    ],
)
def test_status_depends_on_execution_and_media_type(api: Api, asked: dict[str, Any], in_graphql: int) -> None:
    for accept, status in ((GRAPHQL, in_graphql), (JSON, 200)):
        answer = api.post(orjson.dumps(asked), Accept=accept)
        assert (answer.status, answer.response["Content-Type"]) == (status, f"{accept}; charset=utf-8")
        assert ("data" in answer.json) is (in_graphql == 200)


@pytest.mark.parametrize("accept", ["text/plain", "image/*", "application/xml;q=1", "application/json;q=0", "nonsense"])
def test_unsupported_accept_header_is_refused(api: Api, accept: str) -> None:
    answer = api.post(body("{ __typename }"), Accept=accept)
    assert (answer.status, answer.code) == (406, "BAD_REQUEST")
    assert answer.response["Content-Type"] == f"{JSON}; charset=utf-8"


@pytest.mark.parametrize(
    "accept",
    [
        pytest.param("", id="nothing"),
        pytest.param("*/*", id="curl"),
        pytest.param("application/json; charset=utf-8", id="with a charset"),
        pytest.param("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", id="a browser"),
    ],
)
def test_plain_json_is_the_default_media_type(api: Api, accept: str) -> None:
    answer = api.post(body("{ __typename }"), Accept=accept)
    assert answer.response["Content-Type"] == f"{JSON}; charset=utf-8"
    assert answer.data


def test_browser_gets_graphiql_if_it_is_enabled(api: Api, settings: Any) -> None:
    wish = {"Accept": "text/html"}
    settings.GATEWAY_EXPLORER = True
    assert api.get(headers=wish).response["Content-Type"].startswith("text/html")
    assert api.get(query="{ __typename }", headers=wish).status == 406
    assert api.post(body("{ __typename }"), Accept="text/html").status == 406
    assert api.get(headers={"Accept": "*/*"}).code == "BAD_REQUEST"


def test_s72_browser_gets_no_graphiql_if_it_is_disabled(api: Api, settings: Any) -> None:
    settings.GATEWAY_EXPLORER = False
    assert (api.get(headers={"Accept": "text/html"}).status, api.get().status) == (406, 400)


# --- headers -------------------------------------------------------------------------------------

ANSWERS = {
    "200": ("POST", body("{ __typename }"), JSON, {}),
    "200 with an error": ("POST", body("{ me { id } }"), JSON, {"Authorization": "Bearer x"}),
    "400": ("POST", b"[1", JSON, {}),
    "400 for a document": ("POST", body("{"), JSON, {"Accept": GRAPHQL}),
    "405": ("PUT", b"", JSON, {}),
    "406": ("POST", body("{ __typename }"), JSON, {"Accept": "text/plain"}),
    "413": ("POST", b" " * 100_001, JSON, {}),
    "415": ("POST", b"", "text/plain", {}),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_s77_responses_are_not_cached_and_have_security_headers(api: Api, name: str) -> None:
    method, sent, kind, headers = ANSWERS[name]
    answer = Answer(api.client.generic(method, "/graphql", sent, content_type=kind, headers=headers))
    assert answer.status == int(name[:3])
    assert answer.response["Content-Length"] == str(len(answer.response.content))
    assert answer.response["Cache-Control"] == "no-store"
    assert answer.response["Vary"] == "Accept, Authorization, Origin"
    assert answer.response["X-Content-Type-Options"] == "nosniff"
    assert answer.response["Referrer-Policy"] == "same-origin"
    assert answer.response["X-Frame-Options"] == "DENY"
    assert answer.response["X-Request-Id"]
    assert not answer.response.cookies
    assert not {"Server", "X-Powered-By"} & {*answer.response.headers}


def test_s77_responses_with_tokens_set_no_cookies(api: Api) -> None:
    alice = api.new_member()
    for answer in (api.sign_in("alice"), api.refresh(alice.refresh_token), alice("{ me { id } }")):
        assert answer.response["Cache-Control"] == "no-store"
        assert not answer.response.cookies
    assert not api.client.cookies


def test_retry_after_is_a_header_too(api: Api) -> None:
    alice = api.new_member()
    answers = [api.change_password(alice.token, old="wrong") for _ in range(11)]
    assert "Retry-After" not in answers[0].response.headers
    assert answers[-1].code == "RATE_LIMITED"
    assert answers[-1].response["Retry-After"] == str(answers[-1].extensions["retryAfter"])


# --- failures ------------------------------------------------------------------------------------


def failing(error: Exception) -> Any:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise error

    return fail


def test_s73_failing_rule_is_masked_and_logged_with_the_request_id(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(access_tokens, "signed_in", failing(RuntimeError("secret words")))
    answer = api("query who { __typename me { id } }", X_Request_Id="request-12345")
    assert answer.json["data"] == {"__typename": "Query", "me": None}
    assert answer.extensions == {"code": "INTERNAL_SERVER_ERROR", "requestId": "request-12345"}
    assert "secret words" not in answer.response.content.decode()
    assert "RuntimeError" not in answer.response.content.decode()
    assert re.search(r"request-12345.* who\b", caplog.text)
    assert "secret words" in caplog.text


def test_s73_database_outage_has_retry_after(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(access_tokens, "signed_in", failing(OperationalError("secret words")))
    answer = api.me()
    assert answer.extensions == {"code": "SERVICE_UNAVAILABLE", "retryAfter": 5}
    assert answer.response["Retry-After"] == "5"
    assert "secret words" not in answer.response.content.decode()
    assert "secret words" in caplog.text


def test_s73_failure_outside_of_fields_is_masked(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(view, "read_request", failing(RuntimeError("secret words")))
    answer = api("{ __typename }", X_Request_Id="request-12345")
    assert (answer.status, answer.response["Content-Type"]) == (500, f"{JSON}; charset=utf-8")
    assert answer.extensions == {"code": "INTERNAL_SERVER_ERROR", "requestId": "request-12345"}
    assert "secret words" not in answer.response.content.decode()
    assert "request-12345" in caplog.text


def test_too_many_url_parameters_are_a_bad_request(db: None) -> None:
    answer = Answer(Client().get("/graphql?query={__typename}&" + "a=1&" * 1_001))
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")
