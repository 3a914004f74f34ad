"""The middleware of all requests: request id, allowed hosts, access log, metrics, and JSON errors."""

import re
import secrets
import time
from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.db import connection
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed

from gateway.graphql.errors import OUTAGES, BadRequest
from gateway.http import health
from gateway.http.client_ip import get_client_ip
from gateway.http.content_negotiation import HTML, JSON, negotiate
from gateway.http.request_info import get_info
from gateway.http.responses import failure_response, refusal_response
from gateway.observability import access_log, metrics, tracing
from gateway.pages.page import error_page
from users import log_context
from users.errors import NotFound, Refusal

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
# A DNS name has 253 characters at most, and a port five digits.
MAX_HOST_LENGTH = 300


class RequestMiddleware:
    """Assigns the request id and the client IP address, refuses unknown hosts, logs and counts the response."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = request.META.get("HTTP_X_REQUEST_ID", "")
        if not REQUEST_ID.fullmatch(request_id):
            request_id = secrets.token_hex(16)
        info = get_info(request)
        info.id, info.client_ip = request_id, get_client_ip(request.META)
        start, statements = time.perf_counter(), access_log.StatementCounter()
        # Adds the id to every log line of this request.
        token = log_context.request_id.set(request_id)
        try:
            with connection.execute_wrapper(statements), tracing.request_span(request) as span:
                response = self._respond(request)
                tracing.set_attributes(span, request, response)
                seconds = time.perf_counter() - start
                metrics.observe(request, response, seconds=seconds)
                access_log.write(request, response, seconds=seconds, statements=statements.count)
        finally:
            log_context.request_id.reset(token)
        response.headers["X-Request-Id"] = request_id
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Return a JSON response if the database fails, also in development, where Django would show the exception."""
        return failure_response(exception, request) if isinstance(exception, OUTAGES) else None

    def _respond(self, request: HttpRequest) -> HttpResponseBase:
        # Health probes use an IP address as host. Their responses do not depend on the host.
        if request.path_info in health.PATHS or is_allowed_host(request):
            return replace_empty_error(request, self.get_response(request))
        return refusal_response(BadRequest("The host of this request is not in ALLOWED_HOSTS."), 400)


def replace_empty_error(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Replace Django's empty 404 and 405 responses by JSON, or by an HTML page for a browser."""
    refusal: Refusal
    if response.status_code == 404:
        refusal = NotFound("This URL does not exist.")
    elif isinstance(response, HttpResponseNotAllowed):
        refusal = BadRequest(f"This URL accepts only these methods: {response['Allow']}.")
    else:
        return response
    headers = {"Allow": response.headers["Allow"]} if "Allow" in response.headers else {}
    if negotiate(request.META.get("HTTP_ACCEPT", ""), (JSON, HTML)) == HTML:
        return error_page(refusal.message, response.status_code, headers)
    return refusal_response(refusal, response.status_code, headers)


def is_allowed_host(request: HttpRequest) -> bool:
    """Return whether the host of the request is in ALLOWED_HOSTS."""
    if len(request.META.get("HTTP_HOST", "")) > MAX_HOST_LENGTH:
        return False
    try:
        request.get_host()
    except DisallowedHost:
        return False
    return True
