"""The log of refused origins, so that a missing entry of CORS_ALLOWED_ORIGINS is found on the server's side too."""

import logging
import re
from collections.abc import Callable
from threading import Lock
from time import monotonic

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

MAX_LENGTH = 100
INTERVAL = 60.0
log = logging.getLogger("gateway.cors")


class OncePerMinute:
    """A limit of one log line per minute and process: a flood of requests must not fill the log."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.next = 0.0

    def allows(self) -> bool:
        """Return whether the minute since the last allowed line is over, and start the next one."""
        with self.lock:
            if monotonic() < self.next:
                return False
            self.next = monotonic() + INTERVAL
            return True


_limit = OncePerMinute()


class RefusedOriginMiddleware:
    """Logs the origins that CorsMiddleware refuses. Stands before it, because it answers preflights itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        origin = request.META.get("HTTP_ORIGIN", "")
        if origin and _is_refused(request, response, origin) and _limit.allows():
            log.warning(
                "the origin %a is not in CORS_ALLOWED_ORIGINS: browsers show its pages no answer", origin[:MAX_LENGTH]
            )
        return response


def _is_refused(request: HttpRequest, response: HttpResponseBase, origin: str) -> bool:
    # Browsers send the header with POST requests to their own origin as well; those need no permission.
    is_own = origin.partition("://")[2] == request.META.get("HTTP_HOST")
    is_shared = re.match(settings.CORS_URLS_REGEX, request.path_info)
    return bool(is_shared) and not is_own and "Access-Control-Allow-Origin" not in response.headers
