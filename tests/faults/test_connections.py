"""Clients that abort, are silent or are slow, against `manage.py serve` as users run it."""

import http.client
import select
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.conftest import Start
from tests.faults.engine import wait_for
from tests.faults.process import Gateway
from tests.faults.storm import ME, Lost, Violation, told

HEAD = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
BODIES = {
    "whole": b"Content-Length: 500\r\n\r\n{",
    "large": b"Content-Length: 200000\r\n\r\n{",
    "chunked": b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
}
# In /proc/net/tcp.
CLOSE_WAIT = "08"


@pytest.fixture
def gateway(start: Start, tmp_path: Path) -> Gateway:
    """A gateway with few threads."""
    few = {"GATEWAY_THREADS": "3", "GATEWAY_MAX_CONCURRENT_HASHES": "1", "GATEWAY_HASH_QUEUE": "1"}
    return start(f"sqlite:///{tmp_path / 'db.sqlite3'}", **few)


def connect(gateway: Gateway) -> socket.socket:
    return socket.create_connection(("127.0.0.1", gateway.port), timeout=30)


def sockets(gateway: Gateway, state: str) -> int:
    """Return how many connections of the gateway's port are in a state of TCP."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(line[1].endswith(f":{gateway.port:04X}") and line[3] == state for line in lines)


def answers(gateway: Gateway) -> bool:
    """Return whether the gateway answers a request."""
    try:
        return told(gateway.origin, ME)["data"] == {"me": None}
    except (Lost, Violation):
        return False


def received(connection: socket.socket) -> bytes:
    """Return what the server sends until it closes the connection."""
    chunks = []
    try:
        while chunk := connection.recv(65_536):
            chunks.append(chunk)
    except ConnectionResetError:
        # It has closed a connection on which it has not read everything.
        pass
    return b"".join(chunks)


@pytest.mark.parametrize("body", ["whole", "chunked"])
def test_f15_aborted_bodies_leave_no_socket(gateway: Gateway, body: str) -> None:
    for _ in range(1_200):
        with connect(gateway) as connection:
            connection.sendall(HEAD + BODIES[body])
    wait_for(lambda: not sockets(gateway, CLOSE_WAIT), seconds=15)
    assert answers(gateway)


def test_f15_silent_connections_do_not_stop_other_clients(gateway: Gateway) -> None:
    with ExitStack() as opened:
        for _ in range(1_100):
            opened.enter_context(connect(gateway))
        wait_for(lambda: answers(gateway), seconds=60)


@pytest.mark.parametrize(
    "sent", [*(HEAD + body for body in BODIES.values()), HEAD + b"X-Slow: "], ids=[*BODIES, "header"]
)
def test_f15_slow_clients_do_not_delay_others(gateway: Gateway, sent: bytes) -> None:
    with ExitStack() as opened:
        slow = [opened.enter_context(connect(gateway)) for _ in range(64)]
        for connection in slow:
            connection.sendall(sent)
        assert all(answers(gateway) for _ in range(20))
        if b"200000" not in sent:
            # They still wait: no answer was needed for the others to be answered.
            assert not select.select(slow, [], [], 0)[0]


@pytest.mark.parametrize("body", ["whole", "chunked"])
def test_f15_late_body_is_answered_408(gateway: Gateway, body: str) -> None:
    with connect(gateway) as connection:
        connection.sendall(HEAD + BODIES[body])
        answer = received(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"BAD_REQUEST"' in answer


def test_s94_http2_with_prior_knowledge_is_refused(gateway: Gateway) -> None:
    with connect(gateway) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
        answer = received(connection)
    # An HTTP/2 server would send a SETTINGS frame.
    assert not answer or answer.startswith(b"HTTP/1.1 4")
    assert answers(gateway)


@pytest.mark.parametrize("name", ["Content-Type", "Accept", "Cookie", "Authorization", "X-Forwarded-For", "X-Other"])
@pytest.mark.parametrize(("size", "kind"), [(20_000, b"application/json"), (400_000, b"")])
def test_s94_long_headers_are_refused(gateway: Gateway, name: str, size: int, kind: bytes) -> None:
    value = ('application/json;a="' + '\\"; ' * (size // 4)).encode()
    with connect(gateway) as connection:
        try:
            connection.sendall(HEAD.replace(b"Content-Type: application/json\r\n", b""))
            connection.sendall(name.encode() + b": " + value + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        except ConnectionError:
            # The server refuses before it has read everything.
            pass
        answer = received(connection)
    assert not answer or answer.startswith(b"HTTP/1.1 431 ")
    assert kind in answer
    assert answers(gateway)


def test_s71_large_body_is_refused_before_it_is_read(gateway: Gateway) -> None:
    with connect(gateway) as connection:
        connection.sendall(HEAD + BODIES["large"])
        answer = received(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"BAD_REQUEST"' in answer


def test_websocket_is_not_opened(gateway: Gateway) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "YQ==",
    }
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    try:
        connection.request("GET", "/graphql?query={__typename}", headers=upgrade)
        assert connection.getresponse().status == 200
    finally:
        connection.close()


def test_repeated_forwarded_header_counts_from_the_right(start: Start, tmp_path: Path) -> None:
    gateway = start(f"sqlite:///{tmp_path / 'db.sqlite3'}", GATEWAY_TRUSTED_PROXIES="1", GATEWAY_LOG_FORMAT="json")
    with connect(gateway) as connection:
        connection.sendall(
            b"GET /graphql?query={__typename} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            b"X-Forwarded-For: 203.0.113.9\r\nX_Forwarded_For: 203.0.113.8\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n"
        )
        assert received(connection).startswith(b"HTTP/1.1 200 ")
    wait_for(lambda: '"client":"198.51.100.1"' in gateway.log.read_text())
