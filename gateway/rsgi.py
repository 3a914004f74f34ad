"""The gateway behind granian: a request takes a thread when it is here to the last byte.

A client that sends its body slowly is waited for by the server, which can wait for thousands; of threads there are
dozens. Liveness is told ahead of them, so that it shows even while every thread is busy.
"""

import logging
from functools import partial
from typing import Any

import orjson
from django.conf import settings

from gateway import direct, leaving
from gateway.arrivals import Arrival, Pieces
from gateway.errors import BadRequest, Failed, of_refusal
from gateway.hands import hands
from gateway.postgresql import connections
from gateway.variables import environment
from gateway.wsgi import application
from users.errors import Refusal

JSON = [("content-type", "application/json; charset=utf-8"), ("cache-control", "no-store")]
ALIVE = b'{"status":"ok"}'

log = logging.getLogger("gateway.server")
connections.aside = hands.aside


def serve(scope: Any, protocol: Any) -> None:
    """Begin a request, in the server's own thread, which waits for nothing."""
    if scope.path == "/healthz" and scope.method in {"GET", "HEAD"}:
        protocol.response_bytes(200, JSON + leaving.word, ALIVE)
        return
    then = partial(go_on, scope, protocol)
    if is_small(scope):
        Arrival(protocol, then)
    else:
        Pieces(protocol, then, settings.GATEWAY_MAX_BODY)


def go_on(scope: Any, protocol: Any, body: bytes | None) -> None:
    """Have a thread answer what is here to the last byte."""
    if body is None:
        late = BadRequest("The body did not arrive in time.", 408)
        protocol.response_bytes(late.status, [*JSON, ("connection", "close")], told(late))
    else:
        hands.do(partial(reply, scope, body, protocol))


def reply(scope: Any, body: bytes, protocol: Any) -> None:
    """Answer a request that is here, in a thread of its own."""
    try:
        environ = environment(scope, body)
        status, headers, content = direct.answer(environ) if direct.takes(environ) else answer(environ)
    except Exception:
        log.exception("a request failed before it had a name")
        status, headers, content = 500, JSON, told(Failed("-"))
    protocol.response_bytes(status, headers + leaving.word, content)


def told(refusal: Refusal) -> bytes:
    """A refusal as JSON, where no view could say it."""
    return orjson.dumps({"errors": [of_refusal(refusal)]})


def is_small(scope: Any) -> bool:
    """Whether a body is announced to be no larger than it may be, or there is none."""
    length = scope.headers.get("content-length") or "0"
    return length.isdecimal() and int(length) <= settings.GATEWAY_MAX_BODY and "transfer-encoding" not in scope.headers


def answer(environ: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
    """What the application says: its status, headers and content."""
    said: list[Any] = []
    content: Any = application(environ, lambda *told: said.extend(told))  # type: ignore[arg-type]
    try:
        return int(said[0].split(" ", 1)[0]), said[1], b"".join(content)
    finally:
        # Lets Django end the request, in the thread that began it.
        content.close()
