"""The GraphiQL page: strict about what it may load, and plain about what is missing."""

import secrets
from functools import cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine, Template
from django.views.decorators.http import require_safe

from gateway.explorer import vendor
from gateway.explorer.assets import assets
from gateway.http import security_headers

SCRIPTS = ("react.production.min.js", "react-dom.production.min.js", "graphiql.min.js")


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show GraphiQL, talking to the address that it was opened at."""
    nonce = secrets.token_urlsafe(16)
    html = _template().render(Context(_facts(request) | {"nonce": nonce}))
    # GraphiQL's dialogs and menus add one style element; they take its nonce from the page.
    styles = {"style-src": f"'self' 'nonce-{nonce}'"}
    return security_headers.show(html, styles | {"font-src": "'self' data:", "img-src": "'self' data:"})


def _facts(request: HttpRequest) -> dict[str, object]:
    missing = vendor.missing()
    return {
        "endpoint": request.path,
        "address": request.build_absolute_uri(request.path),
        "missing": missing,
        "icon": assets.url("icon.svg"),
        "styles": [assets.url(name) for name in _styles(bool(missing))],
        "scripts": [] if missing else [assets.url(name) for name in SCRIPTS],
        "module": assets.url("explorer.js"),
    }


def _styles(is_plain: bool) -> tuple[str, ...]:
    return ("explorer.css",) if is_plain else ("graphiql.min.css", "explorer.css")


@cache
def _template() -> Template:
    return Engine().from_string((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
