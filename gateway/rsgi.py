"""The gateway behind granian's event loop: a request takes a thread when it is here to the last byte.

A client that sends its body slowly is waited for by the loop, which can wait for thousands; of threads there are
dozens. Liveness is told by the loop too, so that it shows even while every thread is busy.
"""

import asyncio
import logging
from functools import partial
from typing import Any

import orjson
from django.conf import settings

from gateway import direct
from gateway.errors import BadRequest, Failed, of_refusal
from gateway.hands import Hands
from gateway.variables import environment
from gateway.wsgi import application
from users.errors import Refusal

BODY_SECONDS = 10
JSON = [("content-type", "application/json; charset=utf-8"), ("cache-control", "no-store")]
ALIVE = b'{"status":"ok"}'

log = logging.getLogger("gateway.server")
hands = Hands(settings.GATEWAY_THREADS)


async def serve(scope: Any, protocol: Any) -> None:
    """Answer one request."""
    if scope.path == "/healthz" and scope.method in {"GET", "HEAD"}:
        protocol.response_bytes(200, JSON, ALIVE)
        return
    try:
        async with asyncio.timeout(BODY_SECONDS):
            # At once where its length is announced and is no more than may come.
            body = await (protocol() if is_small(scope) else read(protocol))
    except TimeoutError:
        late = BadRequest("The body did not arrive in time.", 408)
        protocol.response_bytes(late.status, [*JSON, ("connection", "close")], told(late))
        return
    await hands.do(partial(reply, scope, body, protocol))


def reply(scope: Any, body: bytes, protocol: Any) -> None:
    """Answer a request that is here, in a thread of its own."""
    try:
        environ = environment(scope, body)
        said = direct.answer(environ) if direct.takes(environ) else answer(environ)
    except Exception:
        log.exception("a request failed before it had a name")
        said = (500, JSON, told(Failed("-")))
    protocol.response_bytes(*said)


def told(refusal: Refusal) -> bytes:
    """A refusal as JSON, where no view could say it."""
    return orjson.dumps({"errors": [of_refusal(refusal)]})


def is_small(scope: Any) -> bool:
    """Whether a body is announced to be no larger than it may be, or there is none."""
    length = scope.headers.get("content-length") or "0"
    return length.isdecimal() and int(length) <= settings.GATEWAY_MAX_BODY and "transfer-encoding" not in scope.headers


async def read(protocol: Any) -> bytes:
    """The body, or as much of it as shows that it is too large."""
    chunks, size = [], 0
    async for chunk in protocol:
        chunks.append(chunk)
        size += len(chunk)
        if size > settings.GATEWAY_MAX_BODY:
            break
    return b"".join(chunks)


def answer(environ: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
    """What the application says: its status, headers and content."""
    said: list[Any] = []
    content: Any = application(environ, lambda *told: said.extend(told))  # type: ignore[arg-type]
    try:
        return int(said[0].split(" ", 1)[0]), said[1], b"".join(content)
    finally:
        # Lets Django end the request, in the thread that began it.
        content.close()
