"""POST /graphql, answered ahead of Django's handler, by the same parts and to the same letter.

Nearly every request goes to this one address. Its address resolved, its answer passed through the middleware of any
project: with that `me` takes 0.59 ms of CPU, with the few calls below 0.42 ms (in process, PostgreSQL). The test puts
every kind of request to both, and wants one answer.
"""

from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import request_finished, request_started
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware

from gateway.envelope import EnvelopeMiddleware
from gateway.settings import MIDDLEWARE
from gateway.urls import graphql
from gateway.view import fail

# Django itself listens to requests this often, and does what `_tidy` does.
LISTENERS = 5

Answer = tuple[int, list[tuple[str, str]], bytes]


def takes(environ: dict[str, Any]) -> bool:
    """Whether a request is one of those that are answered here."""
    if environ["PATH_INFO"] != "/graphql" or environ["REQUEST_METHOD"] != "POST":
        return False
    if len(request_started.receivers) + len(request_finished.receivers) > LISTENERS:
        # Somebody else wants to hear of requests.
        return False
    # The admin's middleware has something to say to its own cookies, at every address.
    return is_as_known() and not (settings.GATEWAY_ADMIN and "HTTP_COOKIE" in environ)


@lru_cache(maxsize=1)
def is_as_known() -> bool:
    """Whether nobody has put other middleware around the gateway, or sends who comes by http elsewhere."""
    return settings.MIDDLEWARE == MIDDLEWARE and not settings.SECURE_SSL_REDIRECT


def answer(environ: dict[str, Any]) -> Answer:
    """The status, the headers and the content for a request, in the thread that begins and ends it."""
    # A connection was well when the request before ended; since then it may have grown old, or lost its server.
    ours = connections[DEFAULT_DB_ALIAS]
    _tidy(ours)
    try:
        request = WSGIRequest(environ)
        response = _respond(request)
        headers = [
            *response.items(),
            *_always(bool(request.is_secure())),
            *(("Set-Cookie", cookie.output(header="")) for cookie in response.cookies.values()),
        ]
        return response.status_code, headers, response.content
    finally:
        _tidy(ours)


def _tidy(ours: BaseDatabaseWrapper) -> None:
    # A connection that is broken, too old, or left in the middle of something, serves no further request.
    ours.queries_log.clear()
    ours.close_if_unusable_or_obsolete()


def _respond(request: HttpRequest) -> HttpResponse:
    try:
        response = _enveloped(request)
    except Exception as failure:
        response = fail(failure, request)
    assert isinstance(response, HttpResponse)
    if "HTTP_ORIGIN" in request.META:
        # To who comes from no page it says nothing but `Vary`, which is said already.
        _cors.add_response_headers(request, response)
    return response


def _view(request: HttpRequest) -> HttpResponseBase:
    try:
        return graphql(request)
    except Exception as failure:
        return fail(failure, request)


@lru_cache(maxsize=2)
def _always(is_secure: bool) -> list[tuple[str, str]]:
    # What Django's own middleware says with every answer alike, asked once.
    request: Any = SimpleNamespace(path="/graphql", is_secure=lambda: is_secure)
    response = HttpResponse()
    del response["Content-Type"]
    SecurityMiddleware(_enveloped).process_response(request, response)
    XFrameOptionsMiddleware(_enveloped).process_response(request, response)
    return [*response.items()]


_enveloped = EnvelopeMiddleware(_view)
_cors = CorsMiddleware(_enveloped)
