"""Requests as they come from the server: whole, or not at all."""

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from django.db import connection

from gateway import rsgi
from tests.server import await_answer, free_ports, serving, url_of

HEAD = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


class Headers(dict[str, str]):
    """Headers, of which one may come twice."""

    twice: tuple[tuple[str, str], ...] = ()

    def items(self) -> Any:
        return [*super().items(), *self.twice]


class Protocol:
    """A connection, and what is answered."""

    def __init__(self) -> None:
        self.answer: Any = None
        self.answered = threading.Event()

    def response_bytes(self, *answer: Any) -> None:
        self.answer = answer
        self.answered.set()


def scope(**more: Any) -> Any:
    facts = {
        "proto": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "query_string": "",
        "client": "192.0.2.1:4444",
        "server": "127.0.0.1:8000",
        "authority": None,
        "headers": Headers({"host": "localhost", "content-type": "application/json"}),
    }
    return SimpleNamespace(**{**facts, **more})


@pytest.mark.parametrize(
    ("headers", "is_small"),
    [
        ({}, True),
        ({"content-length": "10"}, True),
        ({"content-length": "11"}, False),
        ({"content-length": "x"}, False),
        ({"transfer-encoding": "chunked"}, False),
    ],
)
def test_a_body_is_small_where_it_says_so(settings: Any, headers: dict[str, str], is_small: bool) -> None:
    settings.GATEWAY_MAX_BODY = 10
    assert rsgi.is_small(scope(headers=Headers(headers))) is is_small


def test_f15_a_body_that_does_not_come_is_told_so_and_the_connection_ends() -> None:
    protocol = Protocol()
    rsgi.go_on(scope(), protocol, None)
    status, headers, content = protocol.answer
    assert (status, orjson.loads(content)["errors"][0]["extensions"]["code"]) == (408, "BAD_REQUEST")
    assert ("connection", "close") in headers


@pytest.mark.parametrize("place", ["environment", "direct.answer"])
def test_what_fails_before_django_is_json_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    def fail(*args: Any) -> Any:
        raise RuntimeError("secret words")

    monkeypatch.setattr(f"gateway.rsgi.{place}", fail)
    protocol = Protocol()
    rsgi.go_on(scope(), protocol, b"{}")
    assert protocol.answered.wait(5)
    status, _, content = protocol.answer
    assert (status, orjson.loads(content)["errors"][0]["extensions"]["code"]) == (500, "INTERNAL_SERVER_ERROR")
    assert b"secret" not in content
    assert "secret words" in caplog.text


@pytest.fixture
def small(transactional_db: None, tmp_path: Path) -> Iterator[int]:
    """A gateway of few threads."""
    (port,) = free_ports(1)
    few = {"GATEWAY_THREADS": "3", "GATEWAY_MAX_CONCURRENT_HASHES": "1", "GATEWAY_HASH_QUEUE": "1"}
    with serving(tmp_path, port, {"DATABASE_URL": url_of(connection.settings_dict), **few}) as origin:
        await_answer(origin, tmp_path)
        yield port


def dribble(port: int, start: bytes, over: threading.Event) -> None:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)) as wire:
        wire.sendall(start)
        while not over.wait(0.2):
            wire.sendall(b" ")


@pytest.mark.parametrize(
    "start",
    [
        HEAD + b"Content-Length: 500\r\n\r\n",
        HEAD + b"Content-Length: 200000\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    ],
    ids=["body", "large body", "head"],
)
def test_f15_a_hundred_slow_clients_hold_no_thread(small: int, start: bytes) -> None:
    over = threading.Event()
    slow = [threading.Thread(target=dribble, args=(small, start, over)) for _ in range(100)]
    for each in slow:
        each.start()
    try:
        time.sleep(0.5)
        taken = [ask(small) for _ in range(10)]
    finally:
        over.set()
        for each in slow:
            each.join()
    assert max(taken) < 2


def ask(port: int) -> float:
    """How many seconds `me` takes."""
    start = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", "/graphql", b'{"query": "{ me { id } }"}', {"Content-Type": "application/json"})
        response = connection.getresponse()
        assert (response.status, orjson.loads(response.read())["data"]) == (200, {"me": None})
    finally:
        connection.close()
    return time.monotonic() - start


@pytest.mark.parametrize(
    "start", [b"Content-Length: 500\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"], ids=["whole", "pieces"]
)
def test_f15_who_sends_half_a_body_is_told_so_after_ten_seconds(small: int, start: bytes) -> None:
    for leaves in (True, False):
        with socket.create_connection(("127.0.0.1", small)) as wire:
            wire.sendall(HEAD + start)
            began = time.monotonic()
            if leaves:
                continue
            wire.settimeout(20)
            said = b"".join(iter(lambda: wire.recv(4_096), b""))
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"did not arrive in time" in said
    assert 9 < time.monotonic() - began < 13
    assert ask(small) < 2


def test_who_asks_for_a_websocket_is_answered_by_http(small: int) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "YQ==",
    }
    connection = http.client.HTTPConnection("127.0.0.1", small, timeout=10)
    try:
        connection.request("GET", "/graphql?query={__typename}", headers=upgrade)
        response = connection.getresponse()
        assert (response.status, orjson.loads(response.read())) == (200, {"data": {"__typename": "Query"}})
    finally:
        connection.close()
