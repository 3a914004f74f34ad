"""Codes of authenticator apps (RFC 6238): SHA-1, six digits, 30 seconds, which all apps support."""

import base64
import hmac
import secrets
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

DIGITS = 6
# Seconds.
PERIOD = 30
SECRET_BYTES = 20
# The clock of a phone may be one step behind or ahead.
STEPS = (-1, 0, 1)


def new_secret() -> str:
    """Return a new secret of 160 random bits, in Base32."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def code(secret: str, step: int) -> str:
    """Return the code of a time step."""
    # SHA-1 is sound in HMAC, and many apps support no other hash.
    generator = TOTP(base64.b32decode(secret), DIGITS, SHA1(), PERIOD)  # noqa: S303
    return generator.generate(step * PERIOD).decode()


def matching_step(secret: str, typed: str, now: float) -> int | None:
    """Return the latest time step around `now` whose code was typed, or None. All steps take the same time."""
    current = int(now) // PERIOD
    matches = [current + each for each in STEPS if hmac.compare_digest(code(secret, current + each), typed)]
    return max(matches, default=None)


def uri(secret: str, *, account: str, issuer: str) -> str:
    """Return the URI that authenticator apps read from a QR code."""
    label = f"{quote(issuer, safe='')}:{quote(account, safe='')}"
    parameters = {"secret": secret, "issuer": issuer, "algorithm": "SHA1", "digits": DIGITS, "period": PERIOD}
    return f"otpauth://totp/{label}?{urlencode(parameters, quote_via=quote)}"
