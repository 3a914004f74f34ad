"""What the server alone knows: `SECRET_KEY` makes what is new, its fallbacks know again what they made."""

from django.conf import settings

from users.crypto import seals


def secrets() -> list[str]:
    """The secret of today, and after it those that it replaced."""
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


def keys(purpose: str) -> list[bytes]:
    """A key of each secret for one purpose, in the same order."""
    return [seals.derive(secret, purpose) for secret in secrets()]
