"""The files that the page loads: a fixed list, each served with the type and the digest it has."""

import hashlib
from pathlib import Path
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from gateway.explorer import vendor

HERE = Path(__file__).parent
OURS = ("explorer.css", "explorer.js", "bar.js", "examples.js", "session.js", "icon.svg")
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
FOREVER = "public, max-age=31536000, immutable"


def url(name: str) -> str:
    """The address of an asset, with its version, so that it may be cached for good."""
    return f"{reverse('explorer:asset', args=[name])}?{urlencode({'v': _version(_read(name))})}"


@require_safe
def asset(request: HttpRequest, name: str) -> HttpResponseBase:
    """Answer with one listed file, or with 304 where the browser has it already."""
    try:
        content = _read(name)
    except FileNotFoundError:
        return HttpResponseNotFound("There is no such asset.\n", content_type="text/plain; charset=utf-8")
    version = _version(content)
    etag = f'"{version}"'
    response = HttpResponse(content, content_type=TYPES[Path(name).suffix])
    response["ETag"] = etag
    # An address that names no version, or another one, must not pin these bytes for a year.
    response["Cache-Control"] = FOREVER if request.GET.get("v") == version else "no-cache"
    response["X-Content-Type-Options"] = "nosniff"
    return get_conditional_response(request, etag=etag, response=response) or response


def _read(name: str) -> bytes:
    if name in vendor.FILES:
        return (vendor.FOLDER / name).read_bytes()
    if name in OURS:
        return (HERE / name).read_bytes()
    raise FileNotFoundError(name)


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
