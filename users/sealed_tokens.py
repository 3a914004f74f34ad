"""Sealed tokens: facts that a client carries from one request to the next, and can neither read nor change.

Nothing is stored for an operation that was only started, and every gateway with the same SECRET_KEY can continue it.
"""

from datetime import timedelta
from typing import Any

import orjson
from django.utils import timezone

from users import secret_keys
from users.crypto import encryption
from users.errors import TokenExpired, TokenInvalid

MAX_LENGTH = 4_096


def seal(purpose: str, *, lifetime: timedelta, **facts: Any) -> str:
    """Return a token that holds the facts for a while. It is of no use for another purpose."""
    expires_at = (timezone.now() + lifetime).timestamp()
    plain = orjson.dumps({**facts, "expires_at": expires_at}).decode()
    return encryption.encrypt(plain, secret_keys.secrets(), f"gateway.{purpose}")


def unseal(purpose: str, token: str) -> dict[str, Any]:
    """Return the facts of a token; raise TokenInvalid or TokenExpired."""
    try:
        if len(token) > MAX_LENGTH or not token.isascii():
            raise TokenInvalid
        facts = orjson.loads(encryption.decrypt(token, secret_keys.secrets(), f"gateway.{purpose}"))
    except encryption.CannotDecrypt:
        raise TokenInvalid from None
    if facts.pop("expires_at") <= timezone.now().timestamp():
        raise TokenExpired
    return dict(facts)
