"""What is mailed to be brought back: a token that nobody guesses, and a code that one can type."""

import hashlib
import hmac
import secrets
from uuid import UUID

# No letter or digit that looks like another, and no vowel that could make a word: 36 bits in eight of them.
ALPHABET = "BCDFGHJKMNPQRTVWXY346789"
CODE_LENGTH = 8


def token() -> str:
    """A new token of 256 random bits."""
    return secrets.token_urlsafe(32)


def code() -> str:
    """A new code, to be typed."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def seal(code: str, proof: UUID, key: bytes) -> str:
    """What is kept of a code: under a key, since so short a one could be found by trying them all."""
    return hmac.new(key, proof.bytes + typed(code).encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def typed(code: str) -> str:
    """A code as it was meant: in capitals, without what people put between."""
    return "".join(letter for letter in code[: 4 * CODE_LENGTH].upper() if letter.isalnum())


def shown(code: str) -> str:
    """A code in two halves, as people read it."""
    return f"{code[: CODE_LENGTH // 2]}-{code[CODE_LENGTH // 2 :]}"
