"""Secrets in mails: a long token for links, and a short code for typing."""

import hashlib
import hmac
import secrets
from uuid import UUID

# No look-alikes, and no vowels that could form words. Eight characters have 36 bits.
ALPHABET = "BCDFGHJKMNPQRTVWXY346789"
CODE_LENGTH = 8


def new_token() -> str:
    """Return a new token of 256 random bits."""
    return secrets.token_urlsafe(32)


def new_code() -> str:
    """Return a new code."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def digest(token: str) -> str:
    """Return the hash of a token, which is stored."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def code_digest(code: str, id: UUID, key: bytes) -> str:
    """Return the keyed hash of a code, which is stored. A plain hash of a code this short could be reversed."""
    return hmac.new(key, id.bytes + normalize(code).encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def normalize(code: str) -> str:
    """Return a typed code in capitals, without spaces and dashes."""
    return "".join(character for character in code[: 4 * CODE_LENGTH].upper() if character.isalnum())


def format_code(code: str) -> str:
    """Return a code in two halves, for reading."""
    return f"{code[: CODE_LENGTH // 2]}-{code[CODE_LENGTH // 2 :]}"
