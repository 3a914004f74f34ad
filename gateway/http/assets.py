"""The files that pages load: of a fixed list, each served with the type and the digest it has."""

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
FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Assets:
    """The files of one set of pages: the route they stand at, and how a listed one is read."""

    route: str
    read: Callable[[str], bytes]

    def url(self, name: str) -> str:
        """The address of an asset, with its version, so that it may be cached for good."""
        return f"{reverse(self.route, args=[name])}?{urlencode({'v': _version(self.read(name))})}"

    @method_decorator(require_safe)
    def serve(self, request: HttpRequest, name: str) -> HttpResponseBase:
        """Answer with one listed file, or with 304 where the browser has it already."""
        try:
            content = self.read(name)
        except FileNotFoundError:
            return HttpResponseNotFound()
        version = _version(content)
        etag = f'"{version}"'
        response = HttpResponse(content, content_type=TYPES[Path(name).suffix])
        response["ETag"] = etag
        # An address that names no version, or another one, must not pin these bytes for a year.
        response["Cache-Control"] = FOREVER if request.GET.get("v") == version else "no-cache"
        response["X-Content-Type-Options"] = "nosniff"
        return get_conditional_response(request, etag=etag, response=response) or response


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
