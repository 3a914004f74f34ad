"""The load: requests of ready-made bytes over kept connections, in one loop that waits for all of them.

One thread and raw sockets, since whatever the generator takes of its core is time that it may be late by; its
own share of the core is part of what it reports.
"""

import math
import os
import selectors
import socket
import time
from dataclasses import dataclass, field
from itertools import count

# Stands where a number goes that no other request has; of one length, so that Content-Length holds.
NUMBER = b"#########"
numbers = count(int(time.time()) % 1_000_000 * 100)


@dataclass(frozen=True)
class Job:
    """What to ask: the first request of each client, and for how long, or how often."""

    port: int
    requests: list[bytes]
    seconds: float = math.inf
    answers: float = math.inf


@dataclass
class Result:
    """What came back: latencies in milliseconds, and the last request of each client, to go on from."""

    answered: int = 0
    refused: int = 0
    seconds: float = 0.0
    generator_seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)
    first_refusal: str = ""


@dataclass
class Client:
    """One connection, its next request, and what has come of the answer so far."""

    connection: socket.socket
    request: bytes
    sent: float = 0.0
    received: bytes = b""

    def send(self) -> None:
        """Send the request."""
        self.received = b""
        self.sent = time.perf_counter()
        self.connection.sendall(self.request.replace(NUMBER, b"%09d" % next(numbers)))

    def is_answered(self) -> bool:
        """Take what has come; whether it is all."""
        self.received += self.connection.recv(65_536)
        head, found, body = self.received.partition(b"\r\n\r\n")
        return bool(found) and len(body) >= int(head.lower().partition(b"content-length:")[2].split(b"\r", 1)[0])


def pin(core: int) -> None:
    """Keep this process on one core."""
    os.sched_setaffinity(0, {core})


def run(job: Job) -> Result:
    """Ask for as long as the job says, each client one request after the other, and wait for the last answers."""
    result = Result()
    with selectors.EpollSelector() as waiting:
        clients = [Client(socket.create_connection(("127.0.0.1", job.port)), each) for each in job.requests]
        for client in clients:
            client.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            waiting.register(client.connection, selectors.EVENT_READ, client)
        start, start_cpu = time.perf_counter(), time.process_time()
        for client in clients:
            client.send()
        while waiting.get_map():
            for key, _ in waiting.select():
                client = key.data
                if client.is_answered():
                    now = time.perf_counter()
                    _note(result, client, now)
                    client.request = refreshed(client.request, client.received)
                    if now - start < job.seconds and result.answered + result.refused < job.answers:
                        client.send()
                    else:
                        waiting.unregister(client.connection)
        result.seconds = time.perf_counter() - start
        result.generator_seconds = time.process_time() - start_cpu
    for client in clients:
        client.connection.close()
    result.requests = [client.request for client in clients]
    return result


def _note(result: Result, client: Client, now: float) -> None:
    is_good = client.received.startswith(b"HTTP/1.1 200") and b'"errors"' not in client.received
    if is_good:
        result.answered += 1
        result.latencies.append((now - client.sent) * 1_000)
    else:
        result.refused += 1
        result.first_refusal = result.first_refusal or client.received.decode(errors="replace")[-300:]


def refreshed(request: bytes, answer: bytes) -> bytes:
    """The next request: a refresh token works once, so the one of the answer, as long as it, takes its place."""
    spent, token = _text(request), _text(answer)
    return request.replace(spent, token) if spent and token else request


def _text(message: bytes) -> bytes:
    _, found, rest = message.rpartition(b'"refreshToken"')
    return rest.split(b'"', 2)[1] if found and b'"' in rest else b""
