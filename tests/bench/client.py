"""A client with one kept connection, and the time that its requests take."""

import statistics
import time
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import orjson

PASSWORD = "correct horse battery staple"


class Client:
    """One connection to a server."""

    def __init__(self, origin: str) -> None:
        self.connection = HTTPConnection(urlsplit(origin).netloc, timeout=60)

    def post(self, query: str, variables: dict[str, Any] | None = None, token: str | None = None) -> dict[str, Any]:
        """Return the answer to a document."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"JWT {token}"} if token else {})
        self.connection.request("POST", "/graphql", orjson.dumps({"query": query, "variables": variables}), headers)
        answer: dict[str, Any] = orjson.loads(self.connection.getresponse().read())
        return answer


def timed(act: Callable[[], Any]) -> float:
    """Return how many milliseconds a call takes."""
    start = time.perf_counter()
    act()
    return (time.perf_counter() - start) * 1_000


def percentile(times: list[float], percent: int) -> float:
    """Return a percentile."""
    return statistics.quantiles(times, n=100)[percent - 1]
