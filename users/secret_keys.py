"""Keys derived from SECRET_KEY, and from SECRET_KEY_FALLBACKS, whose results stay valid."""

from django.conf import settings

from users.crypto import encryption


def secrets() -> list[str]:
    """Return SECRET_KEY and its fallbacks."""
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


def keys(purpose: str) -> list[bytes]:
    """Return a key for this purpose, derived from each of the secrets, in the same order."""
    return [encryption.derive(secret, purpose) for secret in secrets()]
