"""The keys that sign access tokens: from a setting, or from the database, where they are rotated.

1. Each algorithm has one next key and one current key. The next key is published and does not sign, the current key
   signs, and a retired key verifies until the last token that it signed has expired. A unique constraint decides when
   several gateways create a key at the same moment.
2. A key signs only when it is known everywhere: to all processes after `RING_LIFETIME`, and to other services, which
   cache the key set, after `PUBLISHED_AFTER`.
3. A retired key verifies for an access token's lifetime plus `RING_LIFETIME`, during which another process may still
   sign with it, plus `LEEWAY` for clocks that are ahead. So no gateway meets a valid token without having its key.
4. A revoked key is deleted. After `RING_LIFETIME` no gateway signs with it or accepts its tokens. Other services follow
   when their cached key set expires, after `JWKS_MAX_AGE`, or twice that behind a caching proxy.
5. If no secret decrypts the keys, the gateway does not start. It creates a key only if there is none.
"""

import time
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from users import secret_keys
from users.crypto import access_tokens, encryption
from users.crypto import signing_keys as crypto
from users.models import SigningKey

NEXT, CURRENT = SigningKey.Place.NEXT, SigningKey.Place.CURRENT
ORDER: list[str | None] = [CURRENT, NEXT, None]
RING_LIFETIME = timedelta(seconds=1)
LEEWAY = timedelta(seconds=access_tokens.LEEWAY)
# How long other services may cache the key set; sent in Cache-Control.
JWKS_MAX_AGE = timedelta(minutes=5)
# Twice, because a proxy may cache the set, and a service the copy of the proxy.
PUBLISHED_AFTER = 2 * JWKS_MAX_AGE + RING_LIFETIME + LEEWAY
# Seconds. No process uses a ring for longer, even if a statement is slow.
MAX_RING_AGE = 2 * RING_LIFETIME.total_seconds()


class NotYetPublished(Exception):
    """Raised by `rotate` if other services may not have fetched the next key before this moment."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


class ConcurrentRotation(Exception):
    """Raised by `rotate` if another process rotated the keys at the same moment."""


def signs_since() -> datetime:
    """Return when the current key began to sign."""
    create_missing()
    current = _own_keys().get(place=CURRENT)
    return current.signs_from or current.created_at


def rotate(*, skip_wait: bool = False) -> str:
    """Make the next key the current one, create a next key, retire the current one; return the new current kid."""
    create_missing()
    own_keys = _own_keys()
    former, coming = own_keys.get(place=CURRENT), own_keys.get(place=NEXT)
    if skip_wait:
        # After this, every gateway has read the next key, independent of clocks.
        time.sleep(MAX_RING_AGE)
    elif coming.created_at + PUBLISHED_AFTER > timezone.now():
        raise NotYetPublished(coming.created_at + PUBLISHED_AFTER)
    with transaction.atomic():
        if not (_retire(own_keys.filter(kid=former.kid)) and _promote(own_keys.filter(kid=coming.kid))):
            raise ConcurrentRotation
        create_missing()
        _retire_other_algorithms()
    maintain()
    return coming.kid


def revoke(kid: str) -> bool:
    """Delete a key, and replace it by the next one if it was the current one; return whether it existed."""
    with transaction.atomic():
        found, _ = SigningKey.objects.filter(kid=kid).delete()
        create_missing()
    return bool(found)


def maintain() -> None:
    """Encrypt the keys with the current SECRET_KEY, retire the keys of other algorithms, and prune."""
    rows, secrets = usable_keys(), secret_keys.secrets()
    for row in rows:
        renewed = encryption.reencrypt(row.sealed, secrets)
        if renewed != row.sealed:
            SigningKey.objects.filter(kid=row.kid).update(sealed=renewed)
    if signer(rows).algorithm == settings.GATEWAY_SIGNING_ALGORITHM:
        _retire_other_algorithms()
    prune()


def prune() -> int:
    """Delete retired keys whose last token has expired, and return how many."""
    return SigningKey.objects.filter(place=None, ends_at__lte=timezone.now()).delete()[0]


def usable_keys() -> list[SigningKey]:
    """Return the stored keys that sign, will sign, or still verify."""
    alive = SigningKey.objects.filter(Q(place__isnull=False) | Q(ends_at__gt=timezone.now()))
    return sorted(alive, key=lambda row: ORDER.index(row.place))


def is_complete(rows: list[SigningKey]) -> bool:
    """Return whether the configured algorithm has a current and a next key."""
    return {NEXT, CURRENT} <= {row.place for row in rows if row.algorithm == settings.GATEWAY_SIGNING_ALGORITHM}


def signer(rows: list[SigningKey]) -> SigningKey:
    """Return the key that signs."""
    signing = sorted((row for row in rows if row.place == CURRENT), key=lambda row: row.created_at)
    own = next(row for row in signing if row.algorithm == settings.GATEWAY_SIGNING_ALGORITHM)
    # After a change of the algorithm, the former key signs until the new one is published.
    return own if own.created_at + PUBLISHED_AFTER <= timezone.now() else signing[0]


def create_missing() -> None:
    """Create the current and the next key of the configured algorithm if they do not exist."""
    own_keys = _own_keys()
    for place in (CURRENT, NEXT):
        if own_keys.filter(place=place).exists():
            continue
        # If several gateways do this at once, the unique constraint lets one succeed, and all use its key.
        with suppress(IntegrityError), transaction.atomic():
            if place == NEXT or not _promote(own_keys):
                _create(place)


def _create(place: SigningKey.Place) -> None:
    algorithm, now = settings.GATEWAY_SIGNING_ALGORITHM, timezone.now()
    pem = crypto.generate(algorithm)
    SigningKey.objects.create(
        kid=crypto.load(pem).kid,
        algorithm=algorithm,
        sealed=encryption.encrypt(pem, secret_keys.secrets()),
        place=place,
        created_at=now,
        signs_from=now if place == CURRENT else None,
    )


def _own_keys() -> QuerySet[SigningKey]:
    return SigningKey.objects.filter(algorithm=settings.GATEWAY_SIGNING_ALGORITHM)


def _promote(rows: QuerySet[SigningKey]) -> int:
    return rows.filter(place=NEXT).update(place=CURRENT, signs_from=timezone.now())


def _retire(rows: QuerySet[SigningKey]) -> int:
    end = timezone.now() + settings.GATEWAY_ACCESS_LIFETIME + RING_LIFETIME + LEEWAY
    return rows.filter(place=CURRENT).update(place=None, ends_at=end)


def _retire_other_algorithms() -> None:
    others = SigningKey.objects.exclude(algorithm=settings.GATEWAY_SIGNING_ALGORITHM)
    others.filter(place=NEXT).delete()
    _retire(others)
