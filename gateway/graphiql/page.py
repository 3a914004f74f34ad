"""The GraphiQL page, or instructions if its third-party files are missing."""

import secrets
from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine, Template
from django.views.decorators.http import require_safe

from gateway.graphiql import vendor
from gateway.graphiql.assets import assets
from gateway.http.security_headers import html_response

SCRIPTS = ("react.production.min.js", "react-dom.production.min.js", "graphiql.min.js")


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Return the page. GraphiQL sends its requests to the URL of this request."""
    nonce = secrets.token_urlsafe(16)
    html = _template().render(Context(_context(request) | {"nonce": nonce}))
    # GraphiQL's dialogs and menus add a style element. They read the nonce from the page.
    styles = {"style-src": f"'self' 'nonce-{nonce}'"}
    return html_response(html, styles | {"font-src": "'self' data:", "img-src": "'self' data:"})


def _context(request: HttpRequest) -> dict[str, object]:
    missing = vendor.missing()
    styles = ["page.css"] if missing else ["graphiql.min.css", "page.css"]
    return {
        "endpoint": request.path,
        "url": request.build_absolute_uri(request.path),
        "missing": missing,
        "icon": assets.url("icon.svg"),
        "styles": [assets.url(name) for name in styles],
        "scripts": [] if missing else [assets.url(name) for name in SCRIPTS],
        "module": assets.url("main.js"),
        "passkeys": bool(settings.GATEWAY_PASSKEY_RP_ID),
    }


@cache
def _template() -> Template:
    return Engine().from_string((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
