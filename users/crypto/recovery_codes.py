"""Recovery codes: 16 characters without look-alikes, which replace a second factor once."""

import hashlib
import re
import secrets
from uuid import UUID

from users.crypto.email_tokens import ALPHABET

LENGTH = 16
GROUP = 4
SHAPE = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")


def new_code() -> str:
    """Return a new code of 73 random bits, in groups for reading."""
    code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return "-".join(code[start : start + GROUP] for start in range(0, LENGTH, GROUP))


def digest(user_id: UUID, code: str) -> str:
    """Return the hash of a user's code, which is stored. The user's id makes a copied row useless."""
    return hashlib.sha256(user_id.bytes + code.replace("-", "").encode()).hexdigest()
