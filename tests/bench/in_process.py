"""Requests to the application in this process, without a server: for costs too small to measure from outside."""

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

from tests.bench.client import PASSWORD
from tests.bench.generator import NUMBER, numbers, with_new_token
from tests.bench.operations import REGISTER, SIGN_IN, Member, post

ENVIRON = {
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
def quiet() -> Iterator[None]:
    """Discard log lines, which are written to file descriptor 2."""
    standard_error = os.dup(2)
    with Path(os.devnull).open("w") as null:
        os.dup2(null.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(standard_error, 2)
            os.close(standard_error)


@lru_cache
def application() -> Any:
    """Return the WSGI application of the settings that this process's environment names."""
    return import_string(settings.WSGI_APPLICATION)


def call(request: bytes) -> dict[str, Any]:
    """Return the answer to a ready-made request."""
    head, _, body = request.replace(NUMBER, b"%09d" % next(numbers)).partition(b"\r\n\r\n")
    environ = {**ENVIRON, "wsgi.input": io.BytesIO(body)}
    for line in head.decode().split("\r\n")[1:]:
        name, _, value = line.partition(": ")
        name = name.upper().replace("-", "_")
        environ[name if name in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{name}"] = value
    response = application()(environ, lambda status, headers, error=None: None)
    answer: dict[str, Any] = orjson.loads(b"".join(response))
    response.close()
    return answer


def repeat(request: bytes, times: int) -> bytes:
    """Send a request several times, each with the refresh token of the answer before, and return the next one."""
    for _ in range(times):
        answer = call(request)
        assert "errors" not in answer, answer
        request = with_new_token(request, orjson.dumps(answer))
    return request


def cost(request: bytes, *, times: int, batches: int) -> float:
    """Return the milliseconds of CPU of a request: the best of several batches, since other load only adds."""
    request = repeat(request, 3)
    taken = []
    for _ in range(batches):
        start = time.process_time()
        request = repeat(request, times)
        taken.append((time.process_time() - start) * 1_000 / times)
    return min(taken)


def register(name: str) -> Member:
    """Create an account, sign in, and return it."""
    answer = call(post(REGISTER, {"name": name, "email": f"{name}@example.com", "password": PASSWORD}))
    assert "errors" not in answer, answer
    return sign_in(name)


def sign_in(name: str) -> Member:
    """Sign in, and return the account."""
    pair = call(post(SIGN_IN, {"name": name, "password": PASSWORD}))["data"]["tokenAuth"]
    return Member(name, pair["token"], pair["refreshToken"])
