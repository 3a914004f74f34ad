"""An application called straight, without a server: for counting, and for costs too small to see from outside."""

import io
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.utils.module_loading import import_string

from tests.bench.asking import JOIN, SIGN_IN, Member, post
from tests.bench.generator import NUMBER, numbers, refreshed
from tests.bench.load import PASSWORD

SURROUNDINGS = {
    "REQUEST_METHOD": "POST",
    "PATH_INFO": "/graphql",
    "QUERY_STRING": "",
    "SERVER_NAME": "localhost",
    "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "127.0.0.1",
    "wsgi.url_scheme": "http",
    "wsgi.version": (1, 0),
    "wsgi.errors": io.StringIO(),
    "wsgi.multithread": True,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}


@contextmanager
def quietly() -> Iterator[None]:
    """Discard log lines, which are written to file descriptor 2."""
    standard_error = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(standard_error, 2)
            os.close(standard_error)


@lru_cache
def application() -> Any:
    """The application of the settings that are in this process's environment by now."""
    return import_string(settings.WSGI_APPLICATION)


def call(request: bytes) -> dict[str, Any]:
    """The answer to a request of ready-made bytes."""
    head, _, body = request.replace(NUMBER, b"%09d" % next(numbers)).partition(b"\r\n\r\n")
    environ = {**SURROUNDINGS, "wsgi.input": io.BytesIO(body)}
    for line in head.decode().split("\r\n")[1:]:
        name, _, value = line.partition(": ")
        name = name.upper().replace("-", "_")
        environ[name if name in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{name}"] = value
    response = application()(environ, lambda status, headers, error=None: None)
    answer = b"".join(response)
    response.close()
    return orjson.loads(answer)


def repeated(request: bytes, times: int) -> bytes:
    """Ask so many times, each with what the answer before gave; the next request."""
    for _ in range(times):
        answer = call(request)
        assert "errors" not in answer, answer
        request = refreshed(request, orjson.dumps(answer))
    return request


def cost(request: bytes, times: int) -> float:
    """Milliseconds of CPU that a request takes, the first few apart."""
    request = repeated(request, 3)
    start = time.process_time()
    repeated(request, times)
    return (time.process_time() - start) * 1_000 / times


def join(name: str) -> Member:
    """Somebody who has made an account and signed in."""
    joined = call(post(JOIN, {"name": name, "email": f"{name}@example.com", "password": PASSWORD}))
    assert "errors" not in joined, joined
    return sign_in(name)


def sign_in(name: str) -> Member:
    """Somebody who has signed in."""
    pair = call(post(SIGN_IN, {"name": name, "password": PASSWORD}))["data"]["tokenAuth"]
    return Member(name, pair["token"], pair["refreshToken"])
