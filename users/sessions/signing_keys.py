"""The keys that sign access tokens: given by a setting, or a ring in the database that turns.

1. Three places. The next key is shown and does not sign; the current one signs; a retired one verifies until
   the last token that it signed is over. Each algorithm has one next and one current key: of gateways that
   make one at the same moment, a unique constraint lets one succeed, and all read what it made.
2. Shown, then known, then signing. No process uses a ring older than `LOOK_EVERY`, so a key that is in the
   database for longer is known to every gateway. `rotate` never lets a younger one sign. Unless it is told to
   hurry, it also waits until no cache of other services can hold a set without the key (`SETTLED`).
3. Kept until over. For `LOOK_EVERY` after it was replaced, a key may still sign somewhere; what it signs then
   lives for an access token's lifetime, by a clock that may be `LEEWAY` ahead. It verifies for the sum of the three.
   By 2 and 3 no gateway meets a valid token whose key it does not have, at any moment of a rotation.
4. Withdrawn at once. A withdrawn key is deleted. `LOOK_EVERY` later no gateway signs with it or takes its
   tokens: that a token was verified is remembered for one ring alone (`tokens._signed`). Other services follow
   when their copy of the set is over, after `CACHED`, or twice that where a proxy keeps one too.
5. A flood costs nothing. An unknown `kid` asks the database nothing, because by 2 there is nothing to learn:
   whatever comes, a process reads the ring once in `LOOK_EVERY`.
6. Never a makeshift. A ring that no secret key opens stops the gateway; it makes a key only where there is none.
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
from users.crypto import keys, seals, tokens
from users.crypto.keys import Key
from users.models import SigningKey

NEXT, CURRENT = SigningKey.Place.NEXT, SigningKey.Place.CURRENT
ORDER: list[str | None] = [CURRENT, NEXT, None]
LOOK_EVERY = timedelta(seconds=1)
LEEWAY = timedelta(seconds=tokens.LEEWAY)
# How long others may keep the set of public keys; its Cache-Control says so.
CACHED = timedelta(minutes=5)
# Twice: a proxy may keep a copy, and a service a copy of that.
SETTLED = 2 * CACHED + LOOK_EVERY + LEEWAY
# Longer than any ring is used, by the slowest of statements.
KNOWN_SECONDS = 2 * LOOK_EVERY.total_seconds()

# Only what holds a key: openssl writes the parameters of a curve before it.
PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.+?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)


class NotSettled(Exception):
    """Other services may not know the next key before this moment."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


class Overtaken(Exception):
    """Somebody else turned the ring at the same moment."""


@dataclass(frozen=True, slots=True, eq=False)
class Ring:
    """The key that signs, and all that verify; another object where anything of it has changed."""

    current: Key
    by_kid: Mapping[str, Key]


@dataclass
class Memory:
    """What this process has read, and how long it may use it."""

    ring: Ring | None = None
    until: float = 0.0
    # When the database last did not answer.
    failed: float = 0.0


_memory, _reading = Memory(), Lock()


def ring() -> Ring:
    """The keys, as they were in the database `LOOK_EVERY` ago or later."""
    if settings.GATEWAY_SIGNING_KEYS:
        return _given(settings.GATEWAY_SIGNING_KEYS)
    asked = time.monotonic()
    with _reading:
        if _memory.ring and time.monotonic() < _memory.until:
            return _memory.ring
        if _memory.failed > asked:
            # Who waited while another asked in vain does not ask again: each would wait for all before them.
            raise OperationalError("the signing keys could not be read a moment ago")
        try:
            return _read_again(_memory.ring)
        except DatabaseError:
            _memory.failed = time.monotonic()
            raise


def forget() -> None:
    """Read anew at the next question, as a process does that has just started."""
    _memory.ring, _memory.until, _memory.failed = None, 0.0, 0.0


def given() -> list[Key]:
    """The keys of `GATEWAY_SIGNING_KEYS`, a PEM text or a file of one; the first signs."""
    value = settings.GATEWAY_SIGNING_KEYS
    # A line break in an environment file is often written as \n.
    text = value.replace("\\n", "\n") if "-----BEGIN" in value else Path(value).read_text()
    found = [keys.load(pem) for pem in PEM.findall(text)]
    if not found:
        raise keys.UnusableKey("no private key in PEM")
    return found


def jwks() -> list[dict[str, str]]:
    """The public keys, for services that verify our tokens themselves."""
    return [key.jwk() for key in ring().by_kid.values()]


def signs_since() -> datetime:
    """Since when the current key signs."""
    _fill()
    current = SigningKey.objects.get(algorithm=settings.GATEWAY_SIGNING_ALGORITHM, place=CURRENT)
    return current.signs_from or current.created_at


def rotate(*, in_a_hurry: bool = False) -> str:
    """Let the next key sign, make another next one, and retire the one that signed; the kid that signs now."""
    _fill()
    lane = SigningKey.objects.filter(algorithm=settings.GATEWAY_SIGNING_ALGORITHM)
    former, coming = lane.get(place=CURRENT), lane.get(place=NEXT)
    if in_a_hurry:
        # Every gateway has read it by then: it is there now, whatever anybody's clock says.
        time.sleep(KNOWN_SECONDS)
    elif coming.created_at + SETTLED > timezone.now():
        raise NotSettled(coming.created_at + SETTLED)
    with transaction.atomic():
        if not (_retire(lane.filter(kid=former.kid)) and _promote(lane.filter(kid=coming.kid))):
            raise Overtaken
        _fill()
        _leave_other_algorithms()
    tidy()
    return coming.kid


def revoke(kid: str) -> bool:
    """Withdraw a key at once; where it signed, the next one signs. Whether there was such a key."""
    with transaction.atomic():
        found, _ = SigningKey.objects.filter(kid=kid).delete()
        _fill()
    return bool(found)


def tidy() -> None:
    """Seal with the secret key of today, retire what signed by another algorithm, and prune."""
    rows, secrets = _kept(), secret_keys.secrets()
    for row in rows:
        renewed = seals.renew(row.sealed, secrets)
        if renewed != row.sealed:
            SigningKey.objects.filter(kid=row.kid).update(sealed=renewed)
    if _signer(rows).algorithm == settings.GATEWAY_SIGNING_ALGORITHM:
        _leave_other_algorithms()
    prune()


def prune() -> int:
    """Delete retired keys whose last token is over; how many there were."""
    return SigningKey.objects.filter(place=None, ends_at__lte=timezone.now()).delete()[0]


@lru_cache(maxsize=4)
def _given(value: str) -> Ring:
    found = given()
    return Ring(found[0], {key.kid: key for key in found})


def _read_again(known: Ring | None) -> Ring:
    asked = time.monotonic()
    rows = _kept()
    made = not _is_full(rows)
    if made:
        _fill()
        rows = _kept()
    by_kid = {row.kid: _opened(row.kid, row.sealed, tuple(secret_keys.secrets())) for row in rows}
    found = Ring(by_kid[_signer(rows).kid], by_kid)
    if known and (known.current.kid, known.by_kid.keys()) == (found.current.kid, by_kid.keys()):
        found = known
    # What was made in a transaction may be rolled back with it, and must not outlive it here.
    is_certain = not (made and connection.in_atomic_block)
    _memory.ring, _memory.until = found, asked + LOOK_EVERY.total_seconds() if is_certain else 0.0
    return found


def _kept() -> list[SigningKey]:
    alive = SigningKey.objects.filter(Q(place__isnull=False) | Q(ends_at__gt=timezone.now()))
    return sorted(alive, key=lambda row: ORDER.index(row.place))


def _is_full(rows: list[SigningKey]) -> bool:
    return {NEXT, CURRENT} <= {row.place for row in rows if row.algorithm == settings.GATEWAY_SIGNING_ALGORITHM}


def _signer(rows: list[SigningKey]) -> SigningKey:
    signing = sorted((row for row in rows if row.place == CURRENT), key=lambda row: row.created_at)
    own = next(row for row in signing if row.algorithm == settings.GATEWAY_SIGNING_ALGORITHM)
    # After a change of the algorithm, what signed before goes on until the new key is known.
    return own if own.created_at + SETTLED <= timezone.now() else signing[0]


@lru_cache(maxsize=64)
def _opened(kid: str, sealed: str, secrets: tuple[str, ...]) -> Key:
    try:
        return keys.load(seals.unseal(sealed, [*secrets]))
    except seals.Unsealable:
        raise ImproperlyConfigured(
            f"The signing key {kid} in the database was sealed by another SECRET_KEY: put that one into "
            f"SECRET_KEY_FALLBACKS, or, where it is lost, `./manage.py rotate_keys --revoke={kid}`."
        ) from None


def _fill() -> None:
    lane = SigningKey.objects.filter(algorithm=settings.GATEWAY_SIGNING_ALGORITHM)
    for place in (CURRENT, NEXT):
        if lane.filter(place=place).exists():
            continue
        # Of several gateways that find none, one succeeds: its key is everyone's.
        with suppress(IntegrityError), transaction.atomic():
            if place == NEXT or not _promote(lane):
                _make(place)


def _make(place: SigningKey.Place) -> None:
    algorithm, now = settings.GATEWAY_SIGNING_ALGORITHM, timezone.now()
    pem = keys.generate(algorithm)
    SigningKey.objects.create(
        kid=keys.load(pem).kid,
        algorithm=algorithm,
        sealed=seals.seal(pem, secret_keys.secrets()),
        place=place,
        created_at=now,
        signs_from=now if place == CURRENT else None,
    )


def _promote(rows: QuerySet[SigningKey]) -> int:
    return rows.filter(place=NEXT).update(place=CURRENT, signs_from=timezone.now())


def _retire(rows: QuerySet[SigningKey]) -> int:
    end = timezone.now() + settings.GATEWAY_ACCESS_LIFETIME + LOOK_EVERY + LEEWAY
    return rows.filter(place=CURRENT).update(place=None, ends_at=end)


def _leave_other_algorithms() -> None:
    others = SigningKey.objects.exclude(algorithm=settings.GATEWAY_SIGNING_ALGORITHM)
    others.filter(place=NEXT).delete()
    _retire(others)
