"""Key rings of the database, as a gateway reads them when it starts."""

from django.conf import settings

from tests.api import backdate
from users.models import SigningKey
from users.sessions import key_ring, signing_keys
from users.sessions.key_ring import KeyRing

ALGORITHMS = ["ES256", "EdDSA", "RS256"]


def restarted_ring() -> KeyRing:
    """Return the ring of a process that has just started."""
    key_ring.clear_cache()
    return key_ring.get()


def current_and_next() -> tuple[SigningKey, SigningKey]:
    """Return the rows of the current and the next key."""
    rows = SigningKey.objects.filter(algorithm=settings.GATEWAY_SIGNING_ALGORITHM)
    return rows.get(place="current"), rows.get(place="next")


def let_all_keys_be_known() -> None:
    """Make the keys so old that every gateway and every other service knows them."""
    backdate(SigningKey.objects, signing_keys.PUBLISHED_AFTER, "created_at")
