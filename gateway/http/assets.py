"""Static files of the pages: a fixed list, served with a version in the URL so that browsers cache them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe

ICON = Path(__file__).parent / "icon.svg"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
IMMUTABLE = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Assets:
    """The static files of a set of pages: the name of their route, and a function that reads a file by its name."""

    route: str
    read: Callable[[str], bytes]

    def url(self, name: str) -> str:
        """Return the URL of a file, with its version, so that browsers cache it permanently."""
        return f"{reverse(self.route, args=[name])}?{urlencode({'v': _version(self.read(name))})}"

    @method_decorator(require_safe)
    def serve(self, request: HttpRequest, name: str) -> HttpResponseBase:
        """Return a listed file, or status 304 if the browser has it already."""
        try:
            content = self.read(name)
        except FileNotFoundError:
            return HttpResponseNotFound()
        version = _version(content)
        etag = f'"{version}"'
        response = HttpResponse(content, content_type=TYPES[Path(name).suffix])
        response["ETag"] = etag
        # A URL without the current version must not cache this content permanently.
        response["Cache-Control"] = IMMUTABLE if request.GET.get("v") == version else "no-cache"
        response["X-Content-Type-Options"] = "nosniff"
        return get_conditional_response(request, etag=etag, response=response) or response


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
