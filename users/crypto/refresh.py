"""Refresh tokens: `base64url(selector ‖ t)`, where each t makes the next.

1. The selector finds the session. No access token shows it, so knowing a `sid` ends nothing.
2. `t(n+1) = HMAC(server key, session ‖ n+1 ‖ t(n))`: the same token always has the same successor, so a
   lost answer can be asked for again, and five tabs get one and the same.
3. Only SHA-256 of a t is kept. Neither a dump of the database nor one with the server's key makes a
   usable token: the HMAC needs a t, which is nowhere but with the client.
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from uuid import UUID

# 48 bytes, which need no padding: one token has one spelling.
SHAPE = re.compile(r"[A-Za-z0-9_-]{64}")


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A token taken apart."""

    selector: UUID
    t: bytes

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(self.selector.bytes + self.t).decode()

    @property
    def digest(self) -> str:
        """What the session row keeps of it."""
        return hashlib.sha256(self.t).hexdigest()

    def successor(self, key: bytes, session: UUID, generation: int) -> "RefreshToken":
        """The token that follows this one as the given generation of a session."""
        message = session.bytes + generation.to_bytes(8, "big") + self.t
        return RefreshToken(self.selector, hmac.digest(key, message, "sha256"))


def first(selector: UUID) -> RefreshToken:
    """The token that a session begins with."""
    return RefreshToken(selector, secrets.token_bytes(32))


def parse(text: str) -> RefreshToken | None:
    """The token in a text, or None where the text cannot be one."""
    if not SHAPE.fullmatch(text):
        return None
    raw = base64.urlsafe_b64decode(text)
    return RefreshToken(UUID(bytes=raw[:16]), raw[16:])
