"""Refresh tokens: `base64url(selector || secret)`. Each secret determines the next one.

1. The selector finds the session. It differs from the session's id, which access tokens contain.
2. `secret(n+1) = HMAC(server key, session || n+1 || secret(n))`. One token always has the same successor, so a client
   whose answer was lost can ask again, and concurrent requests of several tabs get the same token.
3. Only SHA-256 of a secret is stored. A copy of the database and the server key together make no usable token,
   because the HMAC needs the client's secret.
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from uuid import UUID

# 48 bytes need no padding, so one token has one spelling.
SHAPE = re.compile(r"[A-Za-z0-9_-]{64}")


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A parsed refresh token."""

    selector: UUID
    secret: bytes

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(self.selector.bytes + self.secret).decode()

    @property
    def digest(self) -> str:
        """The hash that is stored in the session."""
        return hashlib.sha256(self.secret).hexdigest()

    def successor(self, key: bytes, session: UUID, generation: int) -> "RefreshToken":
        """Return the next token of the session, which has the given generation."""
        message = session.bytes + generation.to_bytes(8, "big") + self.secret
        return RefreshToken(self.selector, hmac.digest(key, message, "sha256"))


def first(selector: UUID) -> RefreshToken:
    """Return the first token of a session."""
    return RefreshToken(selector, secrets.token_bytes(32))


def parse(text: str) -> RefreshToken | None:
    """Return the parsed token, or None if the text is no token."""
    if not SHAPE.fullmatch(text):
        return None
    raw = base64.urlsafe_b64decode(text)
    return RefreshToken(UUID(bytes=raw[:16]), raw[16:])
