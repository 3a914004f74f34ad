"""The keys that sign access tokens: from a setting, or from the database, where they are rotated.

1. Each algorithm has one next key and one current key. The next key is published and does not sign, the current key
   signs, and a retired key verifies until the last token that it signed has expired. A unique constraint decides when
   several gateways create a key at the same moment.
2. A key signs only when it is known everywhere. Each process reads the keys again after `RING_LIFETIME`, and `rotate`
   waits until the key sets that other services have cached contain the next key (`PUBLISHED_AFTER`).
3. A retired key verifies for an access token's lifetime plus `RING_LIFETIME`, during which another process may still
   sign with it, plus `LEEWAY` for clocks that are ahead. So no gateway meets a valid token without having its key.
4. A revoked key is deleted. After `RING_LIFETIME` no gateway signs with it or accepts its tokens. Other services follow
   when their cached key set expires, after `JWKS_MAX_AGE`, or twice that behind a caching proxy.
5. An unknown `kid` causes no query, because by 2 no key can be missing.
6. If no secret decrypts the keys, the gateway does not start. It creates a key only if there is none.
"""

import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from threading import Lock

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from users import secret_keys
from users.crypto import access_tokens, encryption
from users.crypto import signing_keys as crypto
from users.crypto.signing_keys import Key
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

# Without other blocks: openssl writes the parameters of a curve before the key.
PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.+?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)


class NotYetPublished(Exception):
    """Raised by `rotate` if other services may not have fetched the next key before this moment."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


class ConcurrentRotation(Exception):
    """Raised by `rotate` if another process rotated the keys at the same moment."""


@dataclass(frozen=True, slots=True, eq=False)
class KeyRing:
    """The key that signs, and all keys that verify. A changed ring is a new object."""

    current: Key
    by_kid: Mapping[str, Key]


@dataclass
class RingCache:
    """The ring that this process has read, and how long it may use it."""

    ring: KeyRing | None = None
    expires_at: float = 0.0
    # When reading last failed.
    failed_at: float = 0.0


_cache, _lock = RingCache(), Lock()


def ring() -> KeyRing:
    """Return the keys, read from the database at most `RING_LIFETIME` ago."""
    if settings.GATEWAY_SIGNING_KEYS:
        return _ring_of_setting(settings.GATEWAY_SIGNING_KEYS)
    asked = time.monotonic()
    with _lock:
        if _cache.ring and time.monotonic() < _cache.expires_at:
            return _cache.ring
        if _cache.failed_at > asked:
            # Another thread failed while this one waited. Otherwise each thread would wait for all before it.
            raise OperationalError("cannot read the signing keys: the last attempt failed")
        try:
            return _read(_cache.ring)
        except DatabaseError:
            _cache.failed_at = time.monotonic()
            raise


def clear_cache() -> None:
    """Read the keys from the database at the next use."""
    _cache.ring, _cache.expires_at, _cache.failed_at = None, 0.0, 0.0


def read_setting() -> list[Key]:
    """Return the keys of GATEWAY_SIGNING_KEYS, which is PEM text or the path of a PEM file. The first one signs."""
    value = settings.GATEWAY_SIGNING_KEYS
    # A line break in an environment file is often written as \n.
    text = value.replace("\\n", "\n") if "-----BEGIN" in value else Path(value).read_text()
    found = [crypto.load(pem) for pem in PEM.findall(text)]
    if not found:
        raise crypto.UnusableKey("no private key in PEM")
    return found


def jwks() -> list[dict[str, str]]:
    """Return the public keys, for services that verify access tokens."""
    return [key.jwk() for key in ring().by_kid.values()]


def signs_since() -> datetime:
    """Return when the current key began to sign."""
    _create_missing()
    current = SigningKey.objects.get(algorithm=settings.GATEWAY_SIGNING_ALGORITHM, place=CURRENT)
    return current.signs_from or current.created_at


def rotate(*, skip_wait: bool = False) -> str:
    """Make the next key the current one, create a next key, retire the current one; return the new current kid."""
    _create_missing()
    own_keys = SigningKey.objects.filter(algorithm=settings.GATEWAY_SIGNING_ALGORITHM)
    former, coming = own_keys.get(place=CURRENT), own_keys.get(place=NEXT)
    if skip_wait:
        # After this, every gateway has read the next key, independent of clocks.
        time.sleep(MAX_RING_AGE)
    elif coming.created_at + PUBLISHED_AFTER > timezone.now():
        raise NotYetPublished(coming.created_at + PUBLISHED_AFTER)
    with transaction.atomic():
        if not (_retire(own_keys.filter(kid=former.kid)) and _promote(own_keys.filter(kid=coming.kid))):
            raise ConcurrentRotation
        _create_missing()
        _retire_other_algorithms()
    maintain()
    return coming.kid


def revoke(kid: str) -> bool:
    """Delete a key, and replace it by the next one if it was the current one; return whether it existed."""
    with transaction.atomic():
        found, _ = SigningKey.objects.filter(kid=kid).delete()
        _create_missing()
    return bool(found)


def maintain() -> None:
    """Encrypt the keys with the current SECRET_KEY, retire the keys of other algorithms, and prune."""
    rows, secrets = _usable_keys(), secret_keys.secrets()
    for row in rows:
        renewed = encryption.reencrypt(row.sealed, secrets)
        if renewed != row.sealed:
            SigningKey.objects.filter(kid=row.kid).update(sealed=renewed)
    if _signer(rows).algorithm == settings.GATEWAY_SIGNING_ALGORITHM:
        _retire_other_algorithms()
    prune()


def prune() -> int:
    """Delete retired keys whose last token has expired, and return how many."""
    return SigningKey.objects.filter(place=None, ends_at__lte=timezone.now()).delete()[0]


@lru_cache(maxsize=4)
def _ring_of_setting(value: str) -> KeyRing:
    found = read_setting()
    return KeyRing(found[0], {key.kid: key for key in found})


def _read(known: KeyRing | None) -> KeyRing:
    asked = time.monotonic()
    rows = _usable_keys()
    is_created = not _is_complete(rows)
    if is_created:
        _create_missing()
        rows = _usable_keys()
    by_kid = {row.kid: _decrypt(row.kid, row.sealed, tuple(secret_keys.secrets())) for row in rows}
    found = KeyRing(by_kid[_signer(rows).kid], by_kid)
    if known and (known.current.kid, known.by_kid.keys()) == (found.current.kid, by_kid.keys()):
        found = known
    # A key that was created in a transaction may be rolled back, so it must not be cached.
    is_committed = not (is_created and connection.in_atomic_block)
    _cache.ring, _cache.expires_at = found, asked + RING_LIFETIME.total_seconds() if is_committed else 0.0
    return found


def _usable_keys() -> list[SigningKey]:
    alive = SigningKey.objects.filter(Q(place__isnull=False) | Q(ends_at__gt=timezone.now()))
    return sorted(alive, key=lambda row: ORDER.index(row.place))


def _is_complete(rows: list[SigningKey]) -> bool:
    return {NEXT, CURRENT} <= {row.place for row in rows if row.algorithm == settings.GATEWAY_SIGNING_ALGORITHM}


def _signer(rows: list[SigningKey]) -> SigningKey:
    signing = sorted((row for row in rows if row.place == CURRENT), key=lambda row: row.created_at)
    own = next(row for row in signing if row.algorithm == settings.GATEWAY_SIGNING_ALGORITHM)
    # After a change of the algorithm, the former key signs until the new one is published.
    return own if own.created_at + PUBLISHED_AFTER <= timezone.now() else signing[0]


@lru_cache(maxsize=64)
def _decrypt(kid: str, sealed: str, secrets: tuple[str, ...]) -> Key:
    try:
        return crypto.load(encryption.decrypt(sealed, [*secrets]))
    except encryption.CannotDecrypt:
        raise ImproperlyConfigured(
            f"The signing key {kid} in the database is encrypted with another SECRET_KEY. Add that key to "
            f"SECRET_KEY_FALLBACKS or, if it is lost, run `./manage.py rotate_keys --revoke={kid}`."
        ) from None


def _create_missing() -> None:
    own_keys = SigningKey.objects.filter(algorithm=settings.GATEWAY_SIGNING_ALGORITHM)
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


def _promote(rows: QuerySet[SigningKey]) -> int:
    return rows.filter(place=NEXT).update(place=CURRENT, signs_from=timezone.now())


def _retire(rows: QuerySet[SigningKey]) -> int:
    end = timezone.now() + settings.GATEWAY_ACCESS_LIFETIME + RING_LIFETIME + LEEWAY
    return rows.filter(place=CURRENT).update(place=None, ends_at=end)


def _retire_other_algorithms() -> None:
    others = SigningKey.objects.exclude(algorithm=settings.GATEWAY_SIGNING_ALGORITHM)
    others.filter(place=NEXT).delete()
    _retire(others)
