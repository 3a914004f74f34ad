"""What is answered ahead of Django's handler, held against what the handler answers."""

import re
import time
from io import BytesIO
from typing import Any

import orjson
import pytest
from django.core.signals import request_finished, request_started
from django.db import OperationalError, connection, connections
from django.dispatch import Signal

from gateway import direct, requests, rsgi
from gateway.errors import OUTAGES
from tests.api import PASSWORD, Api

APP, EVIL = "https://app.example", "https://evil.example"
SEVERAL = [{"query": "{ me { id } }"}, {"query": "{"}, {"query": "{ __typename }"}]
COSTLY = "mutation { " + " ".join(f'{n}: tokenAuth(username: "a", password: "b") {{ token }}' for n in "ab") + " }"
WRONG = 'mutation { tokenAuth(username: "nobody", password: "wrong") { token } }'
BAD_REFRESH = 'mutation { refreshToken(refreshToken: "rubbish") { token } }'


def asked(query: str, **more: Any) -> bytes:
    return orjson.dumps({"query": query, **more})


ME, NAME = asked("{ me { id username } }"), asked("query Kind { __typename }")
# A body, and the variables of the request that differ from those of an ordinary one; None takes one away.
REQUESTS: dict[str, tuple[bytes, dict[str, str | None]]] = {
    "a name": (NAME, {}),
    "nobody": (ME, {}),
    "somebody": (ME, {"HTTP_AUTHORIZATION": "Bearer TOKEN"}),
    "somebody by the other word": (ME, {"HTTP_AUTHORIZATION": "JWT TOKEN"}),
    "a token of nobody's": (ME, {"HTTP_AUTHORIZATION": "Bearer x.y.z"}),
    "another scheme": (ME, {"HTTP_AUTHORIZATION": "Basic eHg="}),
    "variables": (asked("query ($a: Boolean!) { __typename @include(if: $a) }", variables={"a": True}), {}),
    "variables that do not fit": (asked("query ($a: Boolean!) { __typename @include(if: $a) }"), {}),
    "a wrong password": (asked(WRONG), {}),
    "a refresh token of nobody's": (asked(BAD_REFRESH), {}),
    "two costly fields": (asked(COSTLY), {}),
    "too deep": (asked("{ me { sessions { id } } }" + "{" * 50), {}),
    "a field that is none": (asked("{ nothing }"), {}),
    "an operation that is none": (asked("{ __typename }", operationName="Other"), {}),
    "a subscription": (asked("subscription { a }"), {}),
    "no document": (b"{}", {}),
    "a persisted query that is not kept": (
        orjson.dumps({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}),
        {},
    ),
    "letters of all kinds": (asked("{ __typename } # é 漢 \U0001f600"), {}),
    "a lone surrogate": (b'{"query": "\\ud800"}', {}),
    "no JSON": (b"{", {}),
    "nothing": (b"", {"CONTENT_LENGTH": None}),
    "no object": (b"1", {}),
    "several": (orjson.dumps(SEVERAL), {}),
    "too many": (orjson.dumps(SEVERAL * 2), {}),
    "too large": (b" " * 100_001, {}),
    "in chunks": (NAME, {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": None}),
    "a length that is none": (NAME, {"CONTENT_LENGTH": "x"}),
    "text": (NAME, {"CONTENT_TYPE": "text/plain"}),
    "a form": (b"query={__typename}", {"CONTENT_TYPE": "application/x-www-form-urlencoded"}),
    "no type": (NAME, {"CONTENT_TYPE": None}),
    "a charset": (NAME, {"CONTENT_TYPE": "application/json; charset=utf-8"}),
    "another charset": (NAME, {"CONTENT_TYPE": "application/json; charset=latin-1"}),
    "a charset that is none": (NAME, {"CONTENT_TYPE": "application/json; charset=\xff"}),
    "compressed": (NAME, {"HTTP_CONTENT_ENCODING": "gzip"}),
    "the other media type": (ME, {"HTTP_ACCEPT": "application/graphql-response+json"}),
    "the other media type, refused": (b"{}", {"HTTP_ACCEPT": "application/graphql-response+json"}),
    "HTML": (NAME, {"HTTP_ACCEPT": "text/html"}),
    "anything": (NAME, {"HTTP_ACCEPT": None}),
    "a foreign host": (NAME, {"HTTP_HOST": "evil.example"}),
    "no host": (NAME, {"HTTP_HOST": None, "SERVER_NAME": "evil.example"}),
    "a host that is none": (NAME, {"HTTP_HOST": "[::"}),
    "a foreign host from an allowed origin": (NAME, {"HTTP_HOST": "evil.example", "HTTP_ORIGIN": APP}),
    "an allowed origin": (NAME, {"HTTP_ORIGIN": APP}),
    "a foreign origin": (NAME, {"HTTP_ORIGIN": EVIL}),
    "no origin": (NAME, {"HTTP_ORIGIN": "null"}),
    "an empty origin": (NAME, {"HTTP_ORIGIN": ""}),
    "an origin that is none": (NAME, {"HTTP_ORIGIN": "http://["}),
    "a mutation of a foreign page": (asked(BAD_REFRESH), {"HTTP_ORIGIN": EVIL}),
    "a mutation of another site": (asked(BAD_REFRESH), {"HTTP_SEC_FETCH_SITE": "cross-site"}),
    "by https": (NAME, {"HTTP_X_FORWARDED_PROTO": "https"}),
    "a name of its own": (NAME, {"HTTP_X_REQUEST_ID": "request-12345"}),
    "a name that will not do": (NAME, {"HTTP_X_REQUEST_ID": "<script>"}),
    "huge headers": (NAME, {"HTTP_X_ANY": "x" * 60_000, "HTTP_USER_AGENT": "\u202e" + "x" * 9_000}),
    "cookies": (NAME, {"HTTP_COOKIE": "refresh-token=x; device=x"}),
    "a query beside it": (NAME, {"QUERY_STRING": "query={me{id}}&%ff=%zz"}),
    "an address of a proxy": (NAME, {"HTTP_X_FORWARDED_FOR": "1.2.3.4, [::1]:99, evil"}),
}
VALUE = re.compile("=[^;]*|expires=[^;]*")
MADE = re.compile(r"[0-9a-f]{32}")


def environment(body: bytes, changed: dict[str, str | None], token: str) -> dict[str, Any]:
    given = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/graphql",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": "localhost",
        "HTTP_ACCEPT": "application/json",
        "HTTP_USER_AGENT": "a test",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
    }
    kept = {name: value for name, value in {**given, **changed}.items() if value is not None}
    return {name: value.replace("TOKEN", token) if isinstance(value, str) else value for name, value in kept.items()}


def told(answer: direct.Answer) -> Any:
    """An answer, its headers in any order and by any spelling; a name that was made is one like another."""
    status, headers, content = answer
    named = sorted((name.lower(), MADE.sub("MADE", value)) for name, value in headers)
    return status, named, MADE.sub("MADE", content.decode())


@pytest.fixture(params=["bearer", "cookies", "proxy"])
def mode(request: pytest.FixtureRequest, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [APP]
    settings.GATEWAY_MAX_BATCH = 3
    settings.GATEWAY_REFRESH_COOKIE = settings.CORS_ALLOW_CREDENTIALS = request.param == "cookies"
    if request.param == "proxy":
        settings.GATEWAY_TRUSTED_PROXIES = 1
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


def test_both_ways_give_one_answer_to_every_request(transactional_db: None, mode: None) -> None:
    token = Api().join().token
    statuses = set()
    for name, (body, changed) in REQUESTS.items():
        straight = told(direct.answer(environment(body, changed, token)))
        assert straight == told(rsgi.answer(environment(body, changed, token))), name
        statuses.add(straight[0])
    assert {200, 400, 406, 413, 415} <= statuses


def test_both_ways_leave_the_same_cookies(transactional_db: None, settings: Any) -> None:
    settings.GATEWAY_REFRESH_COOKIE = True
    settings.CORS_ALLOWED_ORIGINS = [APP]
    Api().join()
    sign_in = asked(f'mutation {{ tokenAuth(username: "alice", password: "{PASSWORD}") {{ refreshToken }} }}')
    straight, through = (
        sorted(VALUE.sub("", value) for name, value in way(environment(sign_in, {}, ""))[1] if name == "Set-Cookie")
        for way in (direct.answer, rsgi.answer)
    )
    assert straight == through
    assert len(straight) == 2


@pytest.mark.parametrize("place", ["gateway.requests.read", "gateway.cookies.read", "gateway.access_log.write"])
@pytest.mark.parametrize("failure", [RuntimeError("secret"), OperationalError("secret")])
def test_both_ways_mask_alike_what_fails(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings: Any, place: str, failure: Exception
) -> None:
    settings.CORS_ALLOWED_ORIGINS = [APP]

    def fail(*args: Any, **options: Any) -> Any:
        raise failure

    monkeypatch.setattr(place, fail)
    straight, through = (told(way(environment(NAME, {"HTTP_ORIGIN": APP}, ""))) for way in (direct.answer, rsgi.answer))
    assert straight == through
    assert straight[0] == (503 if isinstance(failure, OUTAGES) else 500)
    assert "secret" not in straight[2]


@pytest.mark.parametrize(
    "changed",
    [{"REQUEST_METHOD": "GET"}, {"REQUEST_METHOD": "OPTIONS"}, {"PATH_INFO": "/graphql/"}, {"PATH_INFO": "/"}],
)
def test_everything_else_goes_through_django(changed: dict[str, str | None]) -> None:
    assert direct.takes(environment(b"", {}, ""))
    assert not direct.takes(environment(b"", changed, ""))


def test_the_admins_cookies_are_its_middlewares_own(settings: Any) -> None:
    cookie: dict[str, str | None] = {"HTTP_COOKIE": "csrftoken=x"}
    settings.GATEWAY_ADMIN = False
    assert direct.takes(environment(b"", cookie, ""))
    settings.GATEWAY_ADMIN = True
    assert not direct.takes(environment(b"", cookie, ""))
    assert direct.takes(environment(b"", {}, ""))


@pytest.mark.parametrize("change", [{"MIDDLEWARE": []}, {"SECURE_SSL_REDIRECT": True}])
def test_whoever_changes_the_middleware_is_given_it(settings: Any, change: dict[str, Any]) -> None:
    for name, value in change.items():
        setattr(settings, name, value)
    direct.is_as_known.cache_clear()
    try:
        assert not direct.takes(environment(b"", {}, ""))
    finally:
        direct.is_as_known.cache_clear()


@pytest.mark.parametrize("signal", [request_started, request_finished])
def test_whoever_listens_to_requests_hears_of_them(signal: Signal) -> None:
    def listener(**facts: Any) -> None:
        """Anybody's."""

    assert direct.takes(environment(NAME, {}, ""))
    signal.connect(listener)
    try:
        assert not direct.takes(environment(NAME, {}, ""))
    finally:
        signal.disconnect(listener)


def test_what_django_does_around_a_request_is_known() -> None:
    listeners = [*request_started._live_receivers(None)[0], *request_finished._live_receivers(None)[0]]
    assert sorted(each.__name__ for each in listeners) == [
        "close_caches",
        "close_old_connections",
        "close_old_connections",
        "reset_queries",
        "reset_urlconf",
    ]
    assert len(listeners) == direct.LISTENERS


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_was_left_open_ends_with_its_request(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(*args: Any) -> Any:
        connection.set_autocommit(False)
        connection.cursor().execute("SELECT 1")
        raise RuntimeError

    connection.close()
    monkeypatch.setattr("gateway.requests.read", leave)
    assert direct.answer(environment(NAME, {}, ""))[0] == 500
    monkeypatch.undo()
    assert direct.answer(environment(ME, {}, ""))[0] == 200
    assert connection.get_autocommit()
    assert not connection.in_atomic_block


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("had_failed", [False, True])
@pytest.mark.parametrize("way", [direct.answer, rsgi.answer])
def test_a_connection_that_is_lost_between_requests_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, way: Any, had_failed: bool
) -> None:
    token = Api().join().token
    monkeypatch.setattr(connections["default"], "health_check_enabled", True)
    connection.errors_occurred = had_failed
    assert way(environment(*REQUESTS["somebody"], token))[0] == 200
    former = connection.connection
    assert former
    monkeypatch.setattr(connections["default"], "is_usable", lambda: connection.connection is not former)
    assert way(environment(*REQUESTS["somebody"], token))[0] == 200
    assert connection.connection is not former


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", [direct.answer, rsgi.answer])
def test_a_connection_that_has_grown_old_between_requests_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, way: Any
) -> None:
    assert way(environment(NAME, {}, ""))[0] == 200
    connection.ensure_connection()
    former, asked_on, read = connection.connection, [], requests.read

    def reading(*given: Any) -> Any:
        asked_on.append(connection.connection)
        return read(*given)

    monkeypatch.setattr(requests, "read", reading)
    monkeypatch.setattr(connections["default"], "close_at", time.monotonic())
    assert way(environment(NAME, {}, ""))[0] == 200
    assert len(asked_on) == 1
    assert former not in asked_on
