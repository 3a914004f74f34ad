"""Seals secrets for keeping in a database: who reads it without the server's key learns nothing."""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Unsealable(Exception):
    """Sealed with a key that is not among those given."""


@lru_cache(maxsize=16)
def derive(secret: str, purpose: str) -> bytes:
    """32 bytes for one purpose, of a secret that serves several."""
    return HKDF(SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret.encode())


def seal(plain: str, secrets: list[str]) -> str:
    """The sealed text, by the first of the secrets."""
    return _box(secrets).encrypt(plain.encode()).decode()


def unseal(sealed: str, secrets: list[str]) -> str:
    """The plain text, whichever of the secrets sealed it."""
    try:
        return _box(secrets).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unsealable from None


def renew(sealed: str, secrets: list[str]) -> str:
    """The same, sealed by the first of the secrets, so that the others may be forgotten."""
    try:
        unseal(sealed, secrets[:1])
    except Unsealable:
        return seal(unseal(sealed, secrets), secrets)
    return sealed


def _box(secrets: list[str]) -> MultiFernet:
    keys = (base64.urlsafe_b64encode(derive(secret, "gateway.seal")) for secret in secrets)
    return MultiFernet([Fernet(key) for key in keys])
