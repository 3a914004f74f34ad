"""What every request and response carries: a request id, an allowed host, and JSON where Django would write HTML."""

import re
import secrets
import time
from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.db import connection
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed

from gateway.graphql.errors import OUTAGES, BadRequest
from gateway.http import client_ip, health
from gateway.http.content_negotiation import HTML, JSON, choose
from gateway.http.request_info import info
from gateway.http.responses import failure_response, refusal_response
from gateway.observability import access_log, metrics, tracing
from gateway.pages.page import error_page
from users import log_context
from users.errors import NotFound, Refusal

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
# A DNS name has 253 characters at most, and a port five digits.
MAX_HOST_LENGTH = 300


class EnvelopeMiddleware:
    """Gives the request an id and its client's address, refuses unknown hosts, and logs and counts the response."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = request.META.get("HTTP_X_REQUEST_ID", "")
        if not REQUEST_ID.fullmatch(request_id):
            request_id = secrets.token_hex(16)
        known = info(request)
        known.id, known.client_ip = request_id, client_ip.of_client(request.META)
        start, statements = time.perf_counter(), access_log.Statements()
        # Every log line of this request carries the id.
        token = log_context.request_id.set(request_id)
        try:
            with connection.execute_wrapper(statements), tracing.span(request) as span:
                response = self._respond(request)
                span.end(request, response)
                seconds = time.perf_counter() - start
                metrics.observe(request, response, seconds=seconds)
                access_log.write(request, response, seconds=seconds, statements=statements.count)
        finally:
            log_context.request_id.reset(token)
        response.headers["X-Request-Id"] = request_id
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Answer in JSON if the database fails, in development too, where Django would show the exception."""
        return failure_response(exception, request) if isinstance(exception, OUTAGES) else None

    def _respond(self, request: HttpRequest) -> HttpResponseBase:
        # Probes send the address of the machine as their host, and get nothing that depends on it.
        if request.path_info in health.PATHS or is_allowed_host(request):
            return explain(request, self.get_response(request))
        return refusal_response(BadRequest("The host of this request is not in ALLOWED_HOSTS."), 400)


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
    return refusal_response(refusal, response.status_code, headers)


def is_allowed_host(request: HttpRequest) -> bool:
    """Return whether the request was sent to a host in ALLOWED_HOSTS."""
    if len(request.META.get("HTTP_HOST", "")) > MAX_HOST_LENGTH:
        return False
    try:
        request.get_host()
    except DisallowedHost:
        return False
    return True
