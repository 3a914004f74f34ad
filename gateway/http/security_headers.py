"""Pages for browsers: strict about what they may load, who may frame them, and what they tell others."""

from django.http import HttpResponse

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}


def show(html: str, wider: dict[str, str] | None = None) -> HttpResponse:
    """A page under the Content-Security-Policy: this origin alone, and no inline code; `wider` adds to it."""
    policy = "; ".join(f"{directive} {sources}" for directive, sources in {**POLICY, **(wider or {})}.items())
    return HttpResponse(html, headers=HEADERS | {"Content-Security-Policy": policy})
