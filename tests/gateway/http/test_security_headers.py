"""The security headers of HTML pages."""

import pytest

from gateway.http.security_headers import html_response

STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def test_page_loads_from_its_own_origin_only_and_runs_no_inline_code() -> None:
    assert html_response("").headers["Content-Security-Policy"] == STRICT


def test_policy_can_be_extended_by_directive() -> None:
    policy = html_response("", {"style-src": "'self' 'nonce-1'", "font-src": "data:"}).headers[
        "Content-Security-Policy"
    ]
    assert policy == STRICT.replace("style-src 'self'", "style-src 'self' 'nonce-1'") + "; font-src data:"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("X-Robots-Tag", "noindex"),
        ("Content-Type", "text/html; charset=utf-8"),
    ],
)
def test_page_has_security_headers(header: str, value: str) -> None:
    assert html_response("<p>").headers[header] == value
