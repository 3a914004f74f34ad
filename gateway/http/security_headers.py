"""HTML responses with strict security headers."""

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


def html_response(html: str, directives: dict[str, str] | None = None) -> HttpResponse:
    """Return a page that loads files of its own origin only and has no inline code. `directives` extend this policy."""
    policy = "; ".join(f"{directive} {sources}" for directive, sources in {**POLICY, **(directives or {})}.items())
    return HttpResponse(html, headers=HEADERS | {"Content-Security-Policy": policy})
