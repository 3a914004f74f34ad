"""The landing pages of mailed links.

1. Opening a page uses up no token, because mail scanners open links too. Only a button does.
2. The token is in the fragment of the address, which browsers do not send. The page's script removes it from the
   address first, and the page repeats nothing of its address.
"""

from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine
from django.urls import reverse
from django.views.decorators.http import require_safe

from gateway.http import security_headers
from gateway.pages.assets import assets
from gateway.pages.documents import DOCUMENTS


@require_safe
def page(request: HttpRequest, name: str) -> HttpResponse:
    """Show the page of this name, whatever else the address holds."""
    html = _engine().get_template(f"{name}.html").render(Context(_facts()))
    return security_headers.show(html)


def error_page(message: str, status: int, headers: dict[str, str]) -> HttpResponse:
    """Return a small page for a browser that came to an address which has nothing to show."""
    html = _engine().get_template("error.html").render(Context(_facts() | {"message": message, "status": status}))
    response = security_headers.show(html)
    response.status_code = status
    for name, value in {"Vary": "Accept", **headers}.items():
        response[name] = value
    return response


def _facts() -> dict[str, object]:
    return {
        "product": settings.GATEWAY_NAME,
        "shortest": settings.GATEWAY_PASSWORD_MIN_LENGTH,
        "endpoint": reverse("graphql"),
        "documents": DOCUMENTS,
        "app": settings.GATEWAY_APP_URL,
        "icon": assets.url("icon.svg"),
        "style": assets.url("pages.css"),
        "module": assets.url("pages.js"),
    }


@cache
def _engine() -> Engine:
    return Engine(dirs=[str(Path(__file__).parent / "html")])
