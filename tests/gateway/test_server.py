"""The RSGI application: the body is read on the event loop, then Django answers in a thread."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from granian.rsgi import ProtocolClosed

from gateway import server

BODY = b'{"query": "{ __typename }"}'


class Headers(dict[str, str]):
    """RSGI headers, which may repeat a name."""

    repeated: tuple[tuple[str, str], ...] = ()

    def items(self) -> Any:
        return [*super().items(), *self.repeated]


class Protocol:
    """An RSGI protocol that receives `chunks` and keeps the response. A chunk may be an exception."""

    def __init__(self, *chunks: bytes | BaseException) -> None:
        self.chunks = list(chunks)
        self.response: Any = None

    async def __call__(self) -> bytes:
        return b"".join([chunk async for chunk in self])

    async def __aiter__(self) -> Any:
        while self.chunks:
            chunk = self.chunks.pop(0)
            if isinstance(chunk, BaseException):
                raise chunk
            yield chunk

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.response = status, {name.lower(): value for name, value in headers}, body

    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.response = status, dict(headers), b""

    def close(self, status: int) -> None:
        self.response = status, {}, b""


class SilentProtocol(Protocol):
    """A protocol whose body never arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.was_cancelled = False

    async def __aiter__(self) -> Any:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        yield b""


def scope(**attributes: Any) -> Any:
    return SimpleNamespace(
        **{
            "proto": "http",
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/graphql",
            "query_string": "a=b",
            "client": "192.0.2.1:4444",
            "server": "127.0.0.1:8000",
            "authority": None,
            "headers": Headers({"host": "localhost", "content-type": "application/json"}),
            **attributes,
        }
    )


def answer(request: Any, protocol: Protocol) -> tuple[int, dict[str, str], Any]:
    """Return the status, the headers and the JSON of the response."""
    asyncio.run(server.app(request, protocol))
    status, headers, body = protocol.response
    return status, headers, orjson.loads(body) if body else None


@pytest.fixture
def django(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A WSGI application in Django's place. Returns the variables of each request."""
    received: list[dict[str, Any]] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        received.append(environ)
        start_response("200 OK", [("Set-Cookie", " a=b"), ("Set-Cookie", " c=d")])
        return [b'"', b'done"']

    monkeypatch.setattr(server, "application", application)
    return received


def test_request_is_answered_by_django(db: None) -> None:
    status, headers, content = answer(scope(), Protocol(BODY))
    assert (status, content) == (200, {"data": {"__typename": "Query"}})
    assert headers["x-frame-options"] == "DENY"
    assert len(headers["x-request-id"]) == 32


def test_chunked_body_is_read_to_its_end(django: list[dict[str, Any]]) -> None:
    chunked = scope(headers=Headers({"transfer-encoding": "chunked"}))
    assert answer(chunked, Protocol(BODY[:5], BODY[5:]))[0] == 200
    assert django[0]["wsgi.input"].read() == BODY
    assert django[0]["CONTENT_LENGTH"] == str(len(BODY))


@pytest.mark.parametrize("headers", [{"content-length": "11"}, {"transfer-encoding": "chunked"}])
def test_s71_large_body_is_refused(django: list[dict[str, Any]], settings: Any, headers: dict[str, str]) -> None:
    settings.GATEWAY_MAX_BODY = 10
    protocol = Protocol(b"12345", b"67890", b"1", b"not read")
    status, answered, content = answer(scope(headers=Headers(headers)), protocol)
    assert (status, content["errors"][0]["extensions"]["code"]) == (413, "BAD_REQUEST")
    assert answered["connection"] == "close"
    assert b"not read" in protocol.chunks
    assert not django


@pytest.mark.parametrize("headers", [{"content-length": "10"}, {"transfer-encoding": "chunked"}])
def test_f15_late_body_is_refused(
    django: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    monkeypatch.setattr(server, "BODY_TIMEOUT", 0)
    protocol = SilentProtocol()
    status, answered, content = answer(scope(headers=Headers(headers)), protocol)
    assert (status, content["errors"][0]["extensions"]["code"]) == (408, "BAD_REQUEST")
    assert answered["connection"] == "close"
    assert protocol.was_cancelled
    assert not django


@pytest.mark.parametrize("headers", [{"content-length": "10"}, {"transfer-encoding": "chunked"}])
def test_aborted_body_reaches_no_thread(django: list[dict[str, Any]], headers: dict[str, str]) -> None:
    assert answer(scope(headers=Headers(headers)), Protocol(b"123", ProtocolClosed()))[0] == 400
    assert not django


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_healthz_needs_no_thread(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setattr(server, "threads", None)
    status, headers, content = answer(scope(path="/healthz", method=method), Protocol())
    assert (status, headers["cache-control"], content) == (200, "no-store", {"status": "ok"})


def test_websocket_is_refused(django: list[dict[str, Any]]) -> None:
    assert answer(scope(proto="ws"), Protocol())[0] == 403
    assert not django


def test_error_outside_of_django_is_json(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fail(environ: Any, start_response: Any) -> Any:
        raise RuntimeError("secret words")

    monkeypatch.setattr(server, "application", fail)
    status, _, content = answer(scope(), Protocol(BODY))
    assert (status, content["errors"][0]["extensions"]["code"]) == (500, "INTERNAL_SERVER_ERROR")
    assert "secret" not in str(content)
    assert "secret words" in caplog.text


def test_cookies_do_not_begin_with_a_space(django: list[dict[str, Any]]) -> None:
    status, headers, content = server.call_django(server.wsgi_environ(scope(), b""))
    assert (status, headers, content) == (200, [("Set-Cookie", "a=b"), ("Set-Cookie", "c=d")], b'"done"')


def test_response_is_closed_in_the_thread_that_began_it(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[int] = []

    class Response(list[bytes]):
        def close(self) -> None:
            used.append(threading.get_ident())

    def application(environ: Any, start_response: Any) -> Response:
        used.append(threading.get_ident())
        start_response("204 No Content", [])
        return Response()

    monkeypatch.setattr(server, "application", application)
    assert answer(scope(), Protocol())[0] == 204
    begun, closed = used
    assert begun == closed != threading.get_ident()


def test_environ_conforms_to_pep_3333(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_SECRET", "of the process")
    headers = Headers({"host": "localhost", "content-type": "text/plain", "content-length": "99", "x-a": "1"})
    environ = server.wsgi_environ(scope(path="/ü", headers=headers), b"body")
    assert environ.pop("wsgi.input").read() == b"body"
    assert environ.pop("wsgi.errors")
    assert environ == {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/ü".encode().decode("latin-1"),
        "QUERY_STRING": "a=b",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "4",
        "REMOTE_ADDR": "192.0.2.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "HTTP_X_A": "1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def test_header_with_an_underscore_is_dropped() -> None:
    headers = Headers({"x_forwarded_for": "203.0.113.9", "x-forwarded-for": "198.51.100.1"})
    assert server.wsgi_environ(scope(headers=headers), b"")["HTTP_X_FORWARDED_FOR"] == "198.51.100.1"
    assert "CONTENT_TYPE" not in server.wsgi_environ(scope(headers=Headers({"content_type": "text/plain"})), b"")


def test_repeated_headers_are_joined() -> None:
    headers = Headers({"x-forwarded-for": "203.0.113.9", "cookie": "a=1"})
    headers.repeated = (("x-forwarded-for", "198.51.100.1"), ("cookie", "b=2"))
    environ = server.wsgi_environ(scope(headers=headers), b"")
    assert environ["HTTP_X_FORWARDED_FOR"] == "203.0.113.9,198.51.100.1"
    assert environ["HTTP_COOKIE"] == "a=1;b=2"


def test_ipv6_addresses_lose_their_brackets() -> None:
    environ = server.wsgi_environ(scope(client="[2001:db8::1]:4444", server="[::1]:8000"), b"")
    assert (environ["REMOTE_ADDR"], environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("2001:db8::1", "::1", "8000")


def test_host_of_the_request_line_replaces_the_host_header() -> None:
    assert server.wsgi_environ(scope(authority="auth.example"), b"")["HTTP_HOST"] == "auth.example"


def test_f06_request_that_takes_too_long_is_answered_and_a_waiting_one_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[str] = []
    release = threading.Event()

    def freeze(environ: dict[str, Any]) -> Any:
        started.append(environ["QUERY_STRING"])
        release.wait(30)
        return 200, [], b""

    monkeypatch.setattr(server, "RESPONSE_TIMEOUT", 0.05)
    monkeypatch.setattr(server, "call_django", freeze)
    monkeypatch.setattr(server, "threads", ThreadPoolExecutor(1))
    protocols = [Protocol(BODY), Protocol(BODY)]

    async def requests() -> None:
        await asyncio.gather(*(server.app(scope(query_string=str(n)), each) for n, each in enumerate(protocols)))
        release.set()

    asyncio.run(requests())
    for protocol in protocols:
        status, headers, body = protocol.response
        (error,) = orjson.loads(body)["errors"]
        assert (status, headers["connection"], headers["retry-after"]) == (503, "close", "5")
        assert error["extensions"] == {"code": "SERVICE_UNAVAILABLE", "retryAfter": 5}
    assert started == ["0"]
