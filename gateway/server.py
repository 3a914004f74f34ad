"""Serves Django through granian's RSGI interface: the event loop reads the body, so slow clients occupy no thread."""

import asyncio
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

from django.conf import settings
from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]

from gateway.wsgi import JSON_HEADERS, application, json_error

BODY_TIMEOUT, RESPONSE_TIMEOUT = 10, 5.5  # Seconds. PostgreSQL cancels statements earlier, unless it is frozen.
Response = tuple[int, list[tuple[str, str]], bytes]
WSGI_CONSTANTS = {"wsgi.version": (1, 0), "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False}

threads = ThreadPoolExecutor(settings.GATEWAY_THREADS, thread_name_prefix="gateway")


async def app(scope: Any, protocol: Any) -> Any:
    """Handle one request."""
    if scope.proto != "http":
        return protocol.close(403)
    if scope.path == "/healthz" and scope.method in {"GET", "HEAD"}:  # Succeeds while all threads are busy.
        return protocol.response_bytes(200, JSON_HEADERS, b'{"status":"ok"}')
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            body = await read_body(scope, protocol)
    except TimeoutError:
        return refuse(protocol, 408, f"The body of the request was not complete within {BODY_TIMEOUT} seconds.")
    except ProtocolClosed:  # The client has closed the connection. Without a response granian would log an error.
        return protocol.response_empty(400, [])
    if body is None:
        return refuse(protocol, 413, f"The body is larger than {settings.GATEWAY_MAX_BODY} bytes.")
    try:
        async with asyncio.timeout(RESPONSE_TIMEOUT):
            response = await asyncio.get_running_loop().run_in_executor(threads, respond, scope, body)
    except TimeoutError:  # The database is frozen, or all threads are busy.
        return refuse(protocol, 503, "The gateway is busy. Retry in 5 seconds.", "SERVICE_UNAVAILABLE", retryAfter=5)
    return protocol.response_bytes(*response)


async def read_body(scope: Any, protocol: Any) -> bytes | None:
    """Return the body, or None if it is larger than GATEWAY_MAX_BODY."""
    if int(scope.headers.get("content-length") or 0) > settings.GATEWAY_MAX_BODY:
        return None
    body = bytearray()
    async for chunk in protocol:
        body += chunk
        if len(body) > settings.GATEWAY_MAX_BODY:
            return None
    return bytes(body)


def refuse(protocol: Any, status: int, message: str, code: str = "BAD_REQUEST", **extensions: Any) -> None:
    """Send an error and close the connection, because its body may not be read completely."""
    headers = [*JSON_HEADERS, ("Connection", "close")]
    if retry_after := extensions.get("retryAfter"):
        headers.append(("Retry-After", str(retry_after)))
    protocol.response_bytes(status, headers, json_error(message, code, **extensions))


def respond(scope: Any, body: bytes) -> Response:
    """Return the response to a request whose body is complete. Runs in a thread of the pool."""
    try:
        return call_django(wsgi_environ(scope, body))
    except Exception:
        logging.getLogger("gateway.server").exception("request failed outside of Django's handler")
        return 500, JSON_HEADERS, json_error("The server failed. Try again later.", "INTERNAL_SERVER_ERROR")


def call_django(environ: dict[str, Any]) -> Response:
    """Return Django's response."""
    started: list[Any] = []
    response: Any = application(environ, lambda *arguments: started.extend(arguments))
    try:
        # Django writes a space before the value of Set-Cookie.
        return int(started[0][:3]), [(name, value.strip()) for name, value in started[1]], b"".join(response)
    finally:
        getattr(response, "close", lambda: None)()


def wsgi_environ(scope: Any, body: bytes) -> dict[str, Any]:
    """Return the WSGI variables (PEP 3333) of a request. They include nothing of the process's environment."""
    headers: dict[str, str] = {}
    for name, value in scope.headers.items():
        if "_" not in name and name != "content-length":  # X_Forwarded_For would replace a proxy's X-Forwarded-For.
            key = "CONTENT_TYPE" if name == "content-type" else f"HTTP_{name.upper().replace('-', '_')}"
            headers[key] = f"{headers[key]}{';' if name == 'cookie' else ','}{value}" if key in headers else value
    if scope.authority:  # The host of the request line replaces the Host header: RFC 9112, section 3.2.2.
        headers["HTTP_HOST"] = scope.authority
    host, _, port = scope.server.rpartition(":")
    return {
        **WSGI_CONSTANTS,
        **headers,
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "SERVER_NAME": host.strip("[]"),
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
    }
