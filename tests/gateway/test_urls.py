"""The URLs of the gateway, and errors outside of GraphQL."""

import runpy
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.middleware.security import SecurityMiddleware
from django.test import Client

from tests.api import Answer
from users.sessions import key_ring

URLS = str(Path(__file__).parents[2] / "gateway" / "urls.py")


@pytest.fixture
def reload_urls(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Load the URLs again with the current settings."""

    def read() -> None:
        module = types.ModuleType("urls_read_anew")
        module.__dict__.update(runpy.run_path(URLS))
        monkeypatch.setitem(sys.modules, module.__name__, module)
        settings.ROOT_URLCONF = module.__name__

    return read


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/graphql/nothing",
        "/graphiql",
        "/.git/config",
        "/.env",
        "/static/../.env",
        "/%FF",
        "/metrics",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
@pytest.mark.parametrize("debug", [True, False])
def test_s93_other_urls_are_not_found_in_json(
    client: Client, settings: Any, path: str, method: str, debug: bool
) -> None:
    settings.DEBUG = debug
    answer = Answer(client.generic(method, path))
    assert (answer.status, answer.code) == (404, "NOT_FOUND")
    assert answer.response["Content-Type"] == "application/json; charset=utf-8"
    assert answer.response["Cache-Control"] == "no-store"


def test_s93_admin_and_graphiql_can_be_disabled(client: Client, settings: Any, reload_urls: Any) -> None:
    settings.GATEWAY_ADMIN = settings.GATEWAY_EXPLORER = False
    reload_urls()
    paths = ["/", "/admin", "/admin/", "/admin/login/", "/graphql/explorer/main.js"]
    assert [client.get(path).status_code for path in paths] == [404] * len(paths)
    assert client.get("/graphql?query={__typename}").json() == {"data": {"__typename": "Query"}}
    assert client.get("/.well-known/jwks.json").status_code == 200


@pytest.mark.django_db
def test_root_and_admin_redirect_if_enabled(client: Client, settings: Any, reload_urls: Any) -> None:
    settings.GATEWAY_ADMIN = settings.GATEWAY_EXPLORER = True
    reload_urls()
    assert [client.get(path)["Location"] for path in ("/", "/admin")] == ["/graphql", "/admin/"]
    assert client.get("/graphql/explorer/main.js").status_code == 200
    assert client.get("/admin/login/").status_code == 200


def test_graphql_needs_no_csrf_token(db: None) -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/graphql", b'{"query": "{ __typename }"}', content_type="application/json")
    assert answer.json() == {"data": {"__typename": "Query"}}


def test_s73_failing_page_reveals_only_the_request_id(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Any:
        raise RuntimeError("secret words")

    monkeypatch.setattr(key_ring, "jwks", fail)
    client = Client(raise_request_exception=False)
    answer = Answer(client.get("/.well-known/jwks.json", headers={"X-Request-Id": "request-12345"}))
    assert (answer.status, answer.response["Content-Type"]) == (500, "application/json; charset=utf-8")
    assert answer.extensions == {"code": "INTERNAL_SERVER_ERROR", "requestId": "request-12345"}
    assert "secret words" not in answer.response.content.decode()


# --- failures outside of GraphQL -----------------------------------------------------------------


@pytest.mark.parametrize("debug", [True, False])
def test_f06_page_without_its_database_has_retry_after(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any, debug: bool
) -> None:
    settings.DEBUG = debug
    monkeypatch.setattr(key_ring, "get", failing(OperationalError("host 10.0.0.7 refused")))
    answer = Answer(client.get("/.well-known/jwks.json"))
    assert (answer.status, answer.code, answer.response["Retry-After"]) == (503, "SERVICE_UNAVAILABLE", "5")
    assert answer.response["X-Request-Id"]
    assert b"10.0.0.7" not in answer.response.content


def test_f06_middleware_without_its_database_has_retry_after(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SecurityMiddleware, "process_request", failing(OperationalError("host 10.0.0.7 refused")))
    client.handler.load_middleware()
    client.raise_request_exception = False
    answer = Answer(client.get("/nothing"))
    assert (answer.status, answer.code, answer.response["Retry-After"]) == (503, "SERVICE_UNAVAILABLE", "5")
    assert b"10.0.0.7" not in answer.response.content


def test_failing_page_is_logged_with_its_request_id(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setattr(key_ring, "get", failing(RuntimeError("secret words")))
    client.raise_request_exception = False
    answer = Answer(client.get("/.well-known/jwks.json", headers={"X-Request-Id": "request-12345"}))
    assert (answer.status, answer.code) == (500, "INTERNAL_SERVER_ERROR")
    assert answer.extensions["requestId"] == "request-12345"
    assert b"secret" not in answer.response.content
    assert "RuntimeError: secret words" in caplog.text


def failing(error: Exception) -> Any:
    """A function that fails."""

    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail
