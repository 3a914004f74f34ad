"""Encryption of secrets that are stored in the database, and keys derived from SECRET_KEY."""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

# The purpose of secrets that belong to no account.
SEAL = "gateway.seal"


class CannotDecrypt(Exception):
    """None of the secrets decrypts the text."""


@lru_cache(maxsize=16)
def derive(secret: str, purpose: str) -> bytes:
    """Return a 32-byte key for one purpose."""
    return HKDF(SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret.encode())


def encrypt(plain: str, secrets: list[str], purpose: str = SEAL) -> str:
    """Encrypt a text with the first of the secrets. A text of one purpose does not decrypt for another."""
    return _fernet(secrets, purpose).encrypt(plain.encode()).decode()


def decrypt(encrypted: str, secrets: list[str], purpose: str = SEAL) -> str:
    """Return the plain text, whichever of the secrets encrypted it."""
    try:
        return _fernet(secrets, purpose).decrypt(encrypted.encode()).decode()
    except InvalidToken:
        raise CannotDecrypt from None


def reencrypt(encrypted: str, secrets: list[str], purpose: str = SEAL) -> str:
    """Return the text encrypted with the first of the secrets; unchanged if it already is."""
    try:
        decrypt(encrypted, secrets[:1], purpose)
    except CannotDecrypt:
        return encrypt(decrypt(encrypted, secrets, purpose), secrets, purpose)
    return encrypted


def _fernet(secrets: list[str], purpose: str) -> MultiFernet:
    keys = (base64.urlsafe_b64encode(derive(secret, purpose)) for secret in secrets)
    return MultiFernet([Fernet(key) for key in keys])
