"""A request as granian tells it, as the variables by which WSGI knows it."""

import sys
from io import BytesIO
from typing import Any


def environment(scope: Any, body: bytes) -> dict[str, Any]:
    """The request as WSGI (PEP 3333) knows it; nothing of the process's own environment is in it."""
    client, server = scope.client.rpartition(":")[0], scope.server.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        # WSGI wants the bytes of a path as letters of Latin-1.
        "PATH_INFO": scope.path.encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "SERVER_NAME": server[0].strip("[]"),
        "SERVER_PORT": server[2],
        "REMOTE_ADDR": client.strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **headers(scope),
    }
    if body:
        # What is here, whatever was announced: it came in chunks, or its rest was not read.
        environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def headers(scope: Any) -> dict[str, str]:
    """The headers as variables; one that came twice is a list."""
    found: dict[str, str] = {}
    for name, value in scope.headers.items():
        # `x_forwarded_for` would pass for the one that a proxy writes.
        if "_" not in name:
            key = name.upper().replace("-", "_")
            key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
            between = ";" if key == "HTTP_COOKIE" else ","
            found[key] = f"{found[key]}{between}{value}" if key in found else value
    if scope.authority:
        found["HTTP_HOST"] = scope.authority
    return found
