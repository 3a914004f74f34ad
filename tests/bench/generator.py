"""The load: ready-made requests over kept connections, from one thread with one event loop.

The generator has a core of its own, and reports how much of it it used: a busy generator would measure itself.
"""

import math
import os
import selectors
import socket
import time
from dataclasses import dataclass, field
from itertools import count

# Replaced by a number that is different in each request, of the same length, so that Content-Length stays correct.
NUMBER = b"#########"
numbers = count(int(time.time()) % 1_000_000 * 100)


@dataclass(frozen=True)
class Job:
    """The first request of each client, and when to stop."""

    port: int
    requests: list[bytes]
    seconds: float = math.inf
    answers: float = math.inf


@dataclass
class Result:
    """The answers counted, latencies in milliseconds, and the next request of each client."""

    answered: int = 0
    refused: int = 0
    seconds: float = 0.0
    generator_seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)
    first_refusal: str = ""


@dataclass
class Connection:
    """One client: its socket, its next request, and the part of the answer that has arrived."""

    socket: socket.socket
    request: bytes
    sent_at: float = 0.0
    received: bytes = b""

    def send(self) -> None:
        """Send the request."""
        self.received = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(self.request.replace(NUMBER, b"%09d" % next(numbers)))

    def receive(self) -> bool:
        """Read from the socket, and return whether the answer is complete."""
        self.received += self.socket.recv(65_536)
        head, separator, body = self.received.partition(b"\r\n\r\n")
        return bool(separator) and len(body) >= int(head.lower().partition(b"content-length:")[2].split(b"\r", 1)[0])


def pin(core: int) -> None:
    """Keep this process on one core."""
    os.sched_setaffinity(0, {core})


def run(job: Job) -> Result:
    """Send requests, each client one after the other, until the job ends, and wait for the last answers."""
    result = Result()
    with selectors.EpollSelector() as selector:
        connections = [Connection(socket.create_connection(("127.0.0.1", job.port)), each) for each in job.requests]
        for connection in connections:
            connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        start, start_cpu = time.perf_counter(), time.process_time()
        for connection in connections:
            connection.send()
        while selector.get_map():
            for key, _ in selector.select():
                connection = key.data
                if connection.receive():
                    now = time.perf_counter()
                    _count(result, connection, now)
                    connection.request = with_new_token(connection.request, connection.received)
                    if now - start < job.seconds and result.answered + result.refused < job.answers:
                        connection.send()
                    else:
                        selector.unregister(connection.socket)
        result.seconds = time.perf_counter() - start
        result.generator_seconds = time.process_time() - start_cpu
    for connection in connections:
        connection.socket.close()
    result.requests = [connection.request for connection in connections]
    return result


def _count(result: Result, connection: Connection, now: float) -> None:
    if connection.received.startswith(b"HTTP/1.1 200") and b'"errors"' not in connection.received:
        result.answered += 1
        result.latencies.append((now - connection.sent_at) * 1_000)
    else:
        result.refused += 1
        result.first_refusal = result.first_refusal or connection.received.decode(errors="replace")[-300:]


def with_new_token(request: bytes, answer: bytes) -> bytes:
    """Return the next request: a refresh token works once, so that of the answer, of the same length, replaces it."""
    spent, token = _refresh_token(request), _refresh_token(answer)
    return request.replace(spent, token) if spent and token else request


def _refresh_token(message: bytes) -> bytes:
    _, separator, rest = message.rpartition(b'"refreshToken"')
    return rest.split(b'"', 2)[1] if separator and b'"' in rest else b""
