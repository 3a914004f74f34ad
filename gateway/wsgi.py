"""The WSGI application. It limits the length of headers before Django parses them."""

import os
from collections.abc import Iterable
from typing import Any

import orjson
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

JSON_HEADERS = [("Content-Type", "application/json; charset=utf-8"), ("Cache-Control", "no-store")]
# Characters. Parsing Content-Type, Accept or Cookie takes time that grows with the square of the length.
MAX_HEADER_LENGTH = 8_192
MAX_HEADER_LENGTHS = {
    "CONTENT_TYPE": 256,
    "HTTP_ACCEPT": 1_024,
    # An access token has at most 16,384 characters.
    "HTTP_AUTHORIZATION": 17_000,
}

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway.settings")
django_application = get_wsgi_application()

# manage.py runs the checks before each command, but a WSGI server does not.
failed_checks = [check for check in run_checks() if check.is_serious() and not check.is_silenced()]
if failed_checks:
    raise ImproperlyConfigured(" ".join(f"{check.msg} ({check.id})" for check in failed_checks))


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Pass a request to Django, or answer with status 431 if a header is too long."""
    for name, value in environ.items():
        if name.startswith("HTTP_") or name == "CONTENT_TYPE":
            limit = MAX_HEADER_LENGTHS.get(name, MAX_HEADER_LENGTH)
            if len(value) > limit:
                header = name.removeprefix("HTTP_").replace("_", "-").title()
                start_response("431 Request Header Fields Too Large", JSON_HEADERS)
                return [json_error(f"The {header[:50]} header is longer than {limit} characters.")]
    return django_application(environ, start_response)


def json_error(message: str, code: str = "BAD_REQUEST", **extensions: Any) -> bytes:
    """Return the JSON of a GraphQL response with one error."""
    return orjson.dumps({"errors": [{"message": message, "extensions": {"code": code, **extensions}}]})
