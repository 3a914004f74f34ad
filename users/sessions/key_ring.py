"""The signing keys that this process uses, read from the setting or again and again from the database."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, OperationalError, connection

from users import secret_keys
from users.crypto import encryption
from users.crypto import signing_keys as crypto
from users.crypto.signing_keys import Key
from users.sessions import signing_keys


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


def get() -> KeyRing:
    """Return the keys, read from the database at most `signing_keys.RING_LIFETIME` ago."""
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
    return crypto.load_all(value.replace("\\n", "\n") if "-----BEGIN" in value else Path(value).read_text())


def jwks() -> list[dict[str, str]]:
    """Return the public keys, for services that verify access tokens."""
    return [key.jwk() for key in get().by_kid.values()]


@lru_cache(maxsize=4)
def _ring_of_setting(value: str) -> KeyRing:
    found = read_setting()
    return KeyRing(found[0], {key.kid: key for key in found})


def _read(known: KeyRing | None) -> KeyRing:
    asked = time.monotonic()
    rows = signing_keys.usable_keys()
    is_created = not signing_keys.is_complete(rows)
    if is_created:
        signing_keys.create_missing()
        rows = signing_keys.usable_keys()
    by_kid = {row.kid: _decrypt(row.kid, row.sealed, tuple(secret_keys.secrets())) for row in rows}
    found = KeyRing(by_kid[signing_keys.signer(rows).kid], by_kid)
    if known and (known.current.kid, known.by_kid.keys()) == (found.current.kid, by_kid.keys()):
        found = known
    # A key that was created in a transaction may be rolled back, so it must not be cached.
    is_committed = not (is_created and connection.in_atomic_block)
    _cache.ring, _cache.expires_at = found, asked + signing_keys.RING_LIFETIME.total_seconds() if is_committed else 0.0
    return found


@lru_cache(maxsize=64)
def _decrypt(kid: str, sealed: str, secrets: tuple[str, ...]) -> Key:
    try:
        return crypto.load(encryption.decrypt(sealed, [*secrets]))
    except encryption.CannotDecrypt:
        raise ImproperlyConfigured(
            f"The signing key {kid} in the database is encrypted with another SECRET_KEY. Add that key to "
            f"SECRET_KEY_FALLBACKS or, if it is lost, run `./manage.py rotate_keys --revoke={kid}`."
        ) from None
