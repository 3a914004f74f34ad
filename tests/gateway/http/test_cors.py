"""CORS: allowed origins, and the log of refused ones."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from gateway.http import cors
from gateway.http.responses import json_response
from tests.api import Answer, Api

APP = "https://app.example"
ALLOW = "access-control-allow-origin"
HEADERS = [
    "authorization",
    "content-type",
    "apollo-require-preflight",
    "x-apollo-operation-name",
    "apollographql-client-name",
    "apollographql-client-version",
    "traceparent",
    "tracestate",
    "baggage",
    "sentry-trace",
    "x-request-id",
    "x-requested-with",
    "cache-control",
    "idempotency-key",
    "graphql-client-name",
    "graphql-client-version",
]
FOREIGN = [
    "https://evil.example",
    "null",
    "https://app.example.evil.example",
    "https://evil.example/https://app.example",
    "https://xapp.example",
    "http://app.example",
    "https://app.example:8443",
    "https://sub.app.example",
    "https://app.example.",
    "file://",
    "",
    "*",
    "http://[",
]


@pytest.fixture(autouse=True)
def _one_origin(settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [APP]


def preflight(client: Client, origin: str, method: str = "POST") -> Any:
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": ", ".join(HEADERS)}
    return client.options("/graphql", headers={"Origin": origin, **asked})


def listed(answer: Any, header: str) -> set[str]:
    return {each.strip().lower() for each in answer[header].split(",")}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_preflight_of_an_allowed_origin_allows_headers_of_apollo_and_urql(client: Client, method: str) -> None:
    answer = preflight(client, APP, method)
    assert (answer.status_code, answer[ALLOW]) == (200, APP)
    assert set(HEADERS) <= listed(answer, "access-control-allow-headers")
    assert method.lower() in listed(answer, "access-control-allow-methods")
    assert int(answer["access-control-max-age"]) >= 3_600
    assert "origin" in answer["Vary"].lower()
    assert not answer.content


@pytest.mark.parametrize("origin", FOREIGN)
def test_s76_preflight_of_another_origin_is_not_allowed(client: Client, origin: str) -> None:
    answer = preflight(client, origin)
    assert not [header for header in answer.headers if header.lower().startswith("access-control-")]


@pytest.mark.parametrize("origin", FOREIGN)
def test_s76_response_to_another_origin_is_not_readable(api: Api, origin: str) -> None:
    for answer in (api("{ __typename }", Origin=origin), api.get(query="{ __typename }", headers={"Origin": origin})):
        assert not [header for header in answer.response.headers if header.lower().startswith("access-control-")]
        assert "Origin" in answer.response["Vary"]


def test_response_to_an_allowed_origin_exposes_needed_headers(api: Api) -> None:
    answer = api("{ __typename }", Origin=APP).response
    assert answer[ALLOW] == APP
    assert listed(answer, "access-control-expose-headers") == {"retry-after", "x-request-id"}
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    ("method", "body", "kind", "more", "status"),
    [
        pytest.param("POST", b"[1", "application/json", {}, 400, id="400"),
        pytest.param("POST", b"{}", "application/json", {"Host": "evil.example"}, 400, id="400 for the host"),
        pytest.param("PUT", b"", "application/json", {}, 405, id="405"),
        pytest.param("POST", b"{}", "application/json", {"Accept": "text/plain"}, 406, id="406"),
        pytest.param("POST", b" " * 100_001, "application/json", {}, 413, id="413"),
        pytest.param("POST", b"{}", "text/plain", {}, 415, id="415"),
    ],
)
def test_s76_refusals_are_readable_for_allowed_origins(
    api: Api, method: str, body: bytes, kind: str, more: dict[str, str], status: int
) -> None:
    answer = Answer(api.client.generic(method, "/graphql", body, content_type=kind, headers={"Origin": APP, **more}))
    assert (answer.status, answer.code, answer.response[ALLOW]) == (status, "BAD_REQUEST", APP)
    assert "x-request-id" in answer.response["access-control-expose-headers"]


def test_s76_failures_are_readable_for_allowed_origins(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> Any:
        raise RuntimeError

    monkeypatch.setattr("gateway.graphql.view.read_request", fail)
    answer = api("{ __typename }", Origin=APP)
    assert (answer.status, answer.response[ALLOW]) == (500, APP)


def test_credentials_need_the_setting_and_an_exact_origin(api: Api, settings: Any) -> None:
    settings.CORS_ALLOW_CREDENTIALS = True
    answer = api("{ __typename }", Origin=APP).response
    assert (answer[ALLOW], answer["access-control-allow-credentials"]) == (APP, "true")
    assert ALLOW not in api("{ __typename }", Origin="https://evil.example").response.headers


def test_key_set_has_cors_headers_and_pages_have_none(client: Client) -> None:
    headers = {"Origin": APP}
    assert client.get("/.well-known/jwks.json", headers=headers)[ALLOW] == APP
    assert ALLOW not in client.get("/graphql/explorer/main.js", headers=headers).headers
    assert ALLOW not in client.get("/nothing", headers=headers).headers


def test_responses_vary_by_origin() -> None:
    assert "Origin" in json_response({})["Vary"]


# --- the log of refused origins ------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The clock of the log limit, before the first line."""
    clock = SimpleNamespace(now=1_000.0)
    monkeypatch.setattr(cors, "monotonic", lambda: clock.now)
    monkeypatch.setattr(cors, "_log_limit", cors.LogLimit())
    return clock


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "gateway.cors"]


def test_refused_origin_is_logged_with_the_setting_that_lists_origins(
    client: Client, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    preflight(client, "https://evil.example")
    (message,) = warnings(caplog)
    assert "https://evil.example" in message
    assert "CORS_ALLOWED_ORIGINS" in message


def test_refused_origins_are_logged_once_a_minute_at_most(
    client: Client, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        preflight(client, "https://evil.example")
    clock.now += 59
    preflight(client, "https://other.example")
    assert len(warnings(caplog)) == 1
    clock.now += 1
    preflight(client, "https://other.example")
    assert "https://other.example" in warnings(caplog)[1]


def test_logged_origin_is_short_and_escaped(client: Client, clock: Any, caplog: pytest.LogCaptureFixture) -> None:
    preflight(client, "https://\x1b[31m\u00e9\u0085" + "a" * 10_000)
    (message,) = warnings(caplog)
    assert message.isascii()
    assert message.isprintable()
    assert len(message) < 500


@pytest.mark.parametrize("origin", [APP, "http://testserver", ""])
def test_origin_that_is_not_refused_is_not_logged(
    api: Api, clock: Any, caplog: pytest.LogCaptureFixture, origin: str
) -> None:
    api("{ __typename }", Origin=origin, Host="testserver")
    api.client.get("/nothing", headers={"Origin": "https://evil.example"})
    assert warnings(caplog) == []


def test_allowed_wildcard_refuses_and_logs_nothing(
    api: Api, clock: Any, caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    settings.CORS_ALLOW_ALL_ORIGINS = True
    api("{ __typename }", Origin="https://evil.example")
    assert warnings(caplog) == []
