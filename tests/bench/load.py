"""Clients for benches: documents sent over kept connections, and how long each answer took."""

import statistics
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import orjson

JOIN = 'mutation { register(username: "%s", email: "%s@example.com", password: "%s") { token } }'
SIGN_IN = 'mutation { tokenAuth(username: "%s", password: "%s") { token } }'
ME = "{ me { username } }"
PASSWORD = "correct horse battery staple"


class Client:
    """One connection to a gateway."""

    def __init__(self, origin: str) -> None:
        self.connection = HTTPConnection(urlsplit(origin).netloc, timeout=60)

    def ask(self, query: str, variables: dict[str, Any] | None = None, **headers: str) -> dict[str, Any]:
        """The answer to a document."""
        headers = {"Content-Type": "application/json", **{name.replace("_", "-"): it for name, it in headers.items()}}
        self.connection.request("POST", "/graphql", orjson.dumps({"query": query, "variables": variables}), headers)
        return orjson.loads(self.connection.getresponse().read())


def timed(act: Callable[[], Any]) -> float:
    """How many milliseconds something takes."""
    start = time.perf_counter()
    act()
    return (time.perf_counter() - start) * 1_000


def at_once(acts: list[Callable[[], None]]) -> list[threading.Thread]:
    """Threads that do all of these, started."""
    threads = [threading.Thread(target=act, daemon=True) for act in acts]
    for thread in threads:
        thread.start()
    return threads


def summary(times: list[float]) -> str:
    """Median, 95th and 99th percentile."""
    cuts = statistics.quantiles(times, n=100)
    return f"median {statistics.median(times):7.2f} ms   p95 {cuts[94]:7.2f} ms   p99 {cuts[98]:7.2f} ms"
