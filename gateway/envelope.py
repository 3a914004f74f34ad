"""What every request and answer carries: an id, a host that is ours, and JSON where Django would write HTML."""

import logging
import re
import time
import uuid
from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponseBase

from gateway import addresses
from gateway.errors import BadRequest, of_refusal
from gateway.media import JSON
from gateway.view import respond

log = logging.getLogger("gateway.access")
WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,64}")


class EnvelopeMiddleware:
    """Names the request and where it comes from, refuses foreign hosts, and returns the name with the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = request.META.get("HTTP_X_REQUEST_ID", "")
        if not WELL_FORMED.fullmatch(request_id):
            request_id = uuid.uuid4().hex
        request.id = request_id  # type: ignore[attr-defined]
        request.client_address = addresses.of_client(request.META)  # type: ignore[attr-defined]
        start = time.perf_counter()
        response = self._respond(request)
        taken = (time.perf_counter() - start) * 1_000
        # The path without its query, which may hold variables; in ASCII, so that it cannot end the line.
        path, status = ascii(request.path), response.status_code
        log.info("%s %s %s %d %.1f ms", request_id, request.method, path, status, taken)
        response.headers["X-Request-Id"] = request_id
        return response

    def _respond(self, request: HttpRequest) -> HttpResponseBase:
        try:
            request.get_host()
        except DisallowedHost:
            refusal = BadRequest("This gateway does not answer to that host.")
            return respond({"errors": [of_refusal(refusal)]}, JSON, refusal.status)
        return self.get_response(request)
