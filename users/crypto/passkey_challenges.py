"""Challenges of passkey ceremonies. A MAC makes each one valid for one purpose and one subject; nothing is stored.

The browser returns the challenge inside `clientDataJSON`, so no argument carries it. It consists of the time at which
it was issued, a random nonce, and a MAC over both, the purpose and the subject.
"""

import hmac
import secrets

# Bytes.
TIME_LENGTH, NONCE_LENGTH, MAC_LENGTH = 8, 16, 32


class Invalid(Exception):
    """The challenge is not one of ours, or was issued for another purpose or subject."""


def issue(key: bytes, *, purpose: str, subject: str, now: int) -> bytes:
    """Return a new challenge. `now` is in microseconds since the epoch."""
    head = now.to_bytes(TIME_LENGTH, "big") + secrets.token_bytes(NONCE_LENGTH)
    return head + _mac(key, head, purpose, subject)


def read(challenge: bytes, keys: list[bytes], *, purpose: str, subject: str) -> int:
    """Return when the challenge was issued, in microseconds since the epoch; raise Invalid for any other text."""
    head, mac = challenge[:-MAC_LENGTH], challenge[-MAC_LENGTH:]
    if len(head) != TIME_LENGTH + NONCE_LENGTH:
        raise Invalid
    if not any(hmac.compare_digest(mac, _mac(key, head, purpose, subject)) for key in keys):
        raise Invalid
    return int.from_bytes(head[:TIME_LENGTH], "big")


def _mac(key: bytes, head: bytes, purpose: str, subject: str) -> bytes:
    return hmac.digest(key, head + f"{purpose}\0{subject}".encode(), "sha256")
