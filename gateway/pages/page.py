"""The landing pages of mailed links.

1. Opening a page does not use the token, because mail scanners open links too. Only a button uses it.
2. The token is in the fragment of the URL, which browsers do not send. The script of the page removes it from the
   URL first. The HTML contains no part of the URL.
"""

from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine
from django.urls import reverse
from django.views.decorators.http import require_safe

from gateway.http.security_headers import html_response
from gateway.pages.assets import assets
from gateway.pages.documents import DOCUMENTS


@require_safe
def page(request: HttpRequest, name: str) -> HttpResponse:
    """Return a landing page. Nothing else of the request changes it."""
    html = _engine().get_template(f"{name}.html").render(Context(_context()))
    return html_response(html)


def error_page(message: str, status: int, headers: dict[str, str]) -> HttpResponse:
    """Return a page for a browser that requested a URL with status 404 or 405."""
    html = _engine().get_template("error.html").render(Context(_context() | {"message": message, "status": status}))
    response = html_response(html)
    response.status_code = status
    for name, value in {"Vary": "Accept", **headers}.items():
        response[name] = value
    return response


def _context() -> dict[str, object]:
    return {
        "product": settings.GATEWAY_NAME,
        "min_length": settings.GATEWAY_PASSWORD_MIN_LENGTH,
        "endpoint": reverse("graphql"),
        "documents": DOCUMENTS,
        "app_url": settings.GATEWAY_APP_URL,
        "icon": assets.url("icon.svg"),
        "styles": [assets.url("pages.css"), assets.url("form.css")],
        "module": assets.url("pages.js"),
    }


@cache
def _engine() -> Engine:
    return Engine(dirs=[str(Path(__file__).parent / "html")])
