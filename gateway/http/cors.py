"""Logs refused origins, so that operators notice a missing entry in CORS_ALLOWED_ORIGINS."""

import logging
import re
from collections.abc import Callable
from threading import Lock
from time import monotonic

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

MAX_ORIGIN_LENGTH = 100
# Seconds.
LOG_INTERVAL = 60.0
log = logging.getLogger("gateway.cors")


class LogLimit:
    """Allows one log line per minute and process, so that a flood of requests cannot fill the log."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.allowed_at = 0.0

    def allows(self) -> bool:
        """Return whether a minute has passed since the last allowed line. If so, start the next minute."""
        with self.lock:
            if monotonic() < self.allowed_at:
                return False
            self.allowed_at = monotonic() + LOG_INTERVAL
            return True


_log_limit = LogLimit()


class RefusedOriginMiddleware:
    """Logs origins that CorsMiddleware refuses. It comes first, because CorsMiddleware answers preflights itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        origin = request.META.get("HTTP_ORIGIN", "")
        if origin and _is_refused(request, response, origin) and _log_limit.allows():
            log.warning(
                "origin %a is not in CORS_ALLOWED_ORIGINS: browsers block its requests", origin[:MAX_ORIGIN_LENGTH]
            )
        return response


def _is_refused(request: HttpRequest, response: HttpResponseBase, origin: str) -> bool:
    # Browsers send Origin with same-origin POST requests too, which need no CORS headers.
    is_same_origin = origin.partition("://")[2] == request.META.get("HTTP_HOST")
    has_cors = re.match(settings.CORS_URLS_REGEX, request.path_info)
    return bool(has_cors) and not is_same_origin and "Access-Control-Allow-Origin" not in response.headers
