"""What every request and answer carries: an id, a host that is ours, and JSON where Django would write HTML."""

import re
import secrets
import time
from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import connection
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed
from django.http.request import split_domain_port, validate_host

from gateway import access, addresses, health, metrics, traces
from gateway.errors import OUTAGES, BadRequest, of_refusal
from gateway.media import HTML, JSON, choose
from gateway.pages.page import error_page
from gateway.view import fail, respond
from users import lines
from users.errors import NotFound, Refusal

WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,64}")
# Longer than any name and port; what is remembered must not grow with what is sent.
LONGEST_HOST = 300


def is_ours(host: str) -> bool:
    """Whether a host is plainly one that we answer to; of every other, Django's own question tells."""
    return len(host) <= LONGEST_HOST and is_among(tuple(settings.ALLOWED_HOSTS), host)


@lru_cache(maxsize=100)
def is_among(allowed: tuple[str, ...], host: str) -> bool:
    """The same, found out once."""
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, allowed)


class EnvelopeMiddleware:
    """Names the request and where it comes from, refuses foreign hosts, and returns the name with the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = request.META.get("HTTP_X_REQUEST_ID", "")
        if not WELL_FORMED.fullmatch(request_id):
            request_id = secrets.token_hex(16)
        request.id = request_id  # type: ignore[attr-defined]
        request.client_address = addresses.of_client(request.META)  # type: ignore[attr-defined]
        start, statements = time.perf_counter(), access.Statements()
        # Whatever is logged meanwhile bears the request's name.
        bound = lines.request.set(request_id)
        wrappers = connection.execute_wrappers
        wrappers.append(statements)
        try:
            with traces.span(request) as span:
                response = self._respond(request)
                span.end(request, response)
                seconds = time.perf_counter() - start
                metrics.observe(request, response, seconds=seconds)
                access.write(request, response, seconds=seconds, statements=statements.count)
        finally:
            wrappers.remove(statements)
            lines.request.reset(bound)
        response.headers["X-Request-Id"] = request_id
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Without its database, a page answers as GraphQL does; in development too, where Django would show more."""
        return fail(exception, request) if isinstance(exception, OUTAGES) else None

    def _respond(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info in health.PATHS:
            # Those who probe know an address of the machine, and no name; nothing is told that a name guards.
            return explain(request, self.get_response(request))
        try:
            if not is_ours(request.META.get("HTTP_HOST", "")):
                request.get_host()
        except DisallowedHost:
            refusal = BadRequest("This gateway does not answer to that host.")
            return respond({"errors": [of_refusal(refusal)]}, JSON, refusal.status)
        return explain(request, self.get_response(request))


def explain(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Return Django's bare 404 and 405 answers as JSON, or as a page for a browser; any other as it is."""
    refusal: Refusal
    if response.status_code == 404:
        refusal = NotFound("There is nothing at this address.")
    elif isinstance(response, HttpResponseNotAllowed):
        refusal = BadRequest(f"Use one of these methods here: {response['Allow']}.")
    else:
        return response
    headers = {"Allow": response.headers["Allow"]} if "Allow" in response.headers else {}
    if choose(request.META.get("HTTP_ACCEPT", ""), (JSON, HTML)) == HTML:
        return error_page(refusal.message, response.status_code, headers)
    return respond({"errors": [of_refusal(refusal)]}, JSON, response.status_code, headers)
