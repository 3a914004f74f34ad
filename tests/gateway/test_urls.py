"""Every address that the gateway answers, and the answer at every other."""

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
from users import keys

URLS = str(Path(__file__).parents[2] / "gateway" / "urls.py")


@pytest.fixture
def reread(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Reads the addresses anew, as a process with the settings of now would."""

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
def test_s93_at_any_other_address_there_is_nothing_and_json_says_so(
    client: Client, settings: Any, path: str, method: str, debug: bool
) -> None:
    settings.DEBUG = debug
    answer = Answer(client.generic(method, path))
    assert (answer.status, answer.code) == (404, "NOT_FOUND")
    assert answer.response["Content-Type"] == "application/json; charset=utf-8"
    assert answer.response["Cache-Control"] == "no-store"


def test_s93_where_they_are_off_there_is_neither_admin_nor_page(client: Client, settings: Any, reread: Any) -> None:
    settings.GATEWAY_ADMIN = settings.GATEWAY_EXPLORER = False
    reread()
    paths = ["/", "/admin", "/admin/", "/admin/login/", "/graphql/explorer/main.js"]
    assert [client.get(path).status_code for path in paths] == [404] * len(paths)
    assert client.get("/graphql?query={__typename}").json() == {"data": {"__typename": "Query"}}
    assert client.get("/.well-known/jwks.json").status_code == 200


@pytest.mark.django_db
def test_where_they_are_on_the_root_leads_to_them(client: Client, settings: Any, reread: Any) -> None:
    settings.GATEWAY_ADMIN = settings.GATEWAY_EXPLORER = True
    reread()
    assert [client.get(path)["Location"] for path in ("/", "/admin")] == ["/graphql", "/admin/"]
    assert client.get("/graphql/explorer/main.js").status_code == 200
    assert client.get("/admin/login/").status_code == 200


def test_no_token_of_a_form_is_asked_for(db: None) -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/graphql", b'{"query": "{ __typename }"}', content_type="application/json")
    assert answer.json() == {"data": {"__typename": "Query"}}


def test_s73_a_page_that_fails_says_no_more_than_its_id(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Any:
        raise RuntimeError("secret words")

    monkeypatch.setattr(keys, "jwks", fail)
    client = Client(raise_request_exception=False)
    answer = Answer(client.get("/.well-known/jwks.json", headers={"X-Request-Id": "request-12345"}))
    assert (answer.status, answer.response["Content-Type"]) == (500, "application/json; charset=utf-8")
    assert answer.extensions == {"code": "INTERNAL_SERVER_ERROR", "requestId": "request-12345"}
    assert "secret words" not in answer.response.content.decode()


# --- failures before and beside GraphQL ----------------------------------------------------------


@pytest.mark.parametrize("debug", [True, False])
def test_f06_a_page_without_its_database_says_when_to_come_again(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any, debug: bool
) -> None:
    settings.DEBUG = debug
    monkeypatch.setattr(keys, "ring", failing(OperationalError("host 10.0.0.7 refused")))
    answer = Answer(client.get("/.well-known/jwks.json"))
    assert (answer.status, answer.code, answer.response["Retry-After"]) == (503, "SERVICE_UNAVAILABLE", "5")
    assert answer.response["X-Request-Id"]
    assert b"10.0.0.7" not in answer.response.content


def test_f06_so_does_what_stands_before_every_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SecurityMiddleware, "process_request", failing(OperationalError("host 10.0.0.7 refused")))
    client.handler.load_middleware()
    client.raise_request_exception = False
    answer = Answer(client.get("/nothing"))
    assert (answer.status, answer.code, answer.response["Retry-After"]) == (503, "SERVICE_UNAVAILABLE", "5")
    assert b"10.0.0.7" not in answer.response.content


def test_a_page_that_fails_otherwise_is_a_fault_and_in_the_log_by_its_request(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setattr(keys, "ring", failing(RuntimeError("secret words")))
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
