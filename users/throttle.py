"""How often a thing may be tried: counted in the shared database, so a second gateway doubles no limit.

1. A try is counted before it is judged, all its lanes in one statement or none, so that of fifty guesses at
   once no more are tested than the limit has, and a refused one counts nowhere and extends no wait.
2. Who proves to be right is forgiven: the try itself everywhere, and all of their own lane.
3. A stranger's guesses at an account fill a lane of their own, which an address that has signed in to the
   account before does not share: nobody can be shut out of where they have been.
"""

import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, cached_property, lru_cache
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from users import attempts, events, metrics, normalization, pruning
from users.attempts import CLOCK_SKEW
from users.caller import Caller, device_user
from users.compiled_query import CompiledQuery, parameter
from users.errors import RateLimited, ServiceUnavailable
from users.events import Kind
from users.models import Attempts, Session, User

NOBODY = UUID(int=0)
REMEMBERED = 4_096


@dataclass(frozen=True)
class Limit:
    """So many tries in a window of time that begins with the first."""

    tries: int
    window: timedelta

    @cached_property
    def text(self) -> str:
        """What keys are made with."""
        return str(self)


@dataclass(frozen=True)
class Lane:
    """One subject under one limit of a name: what a row counts."""

    name: str
    subject: str
    limit: Limit

    @cached_property
    def key(self) -> str:
        """The row's key; a digest, since subjects are what strangers typed. Another limit is another row."""
        digest = hashlib.sha256(f"{self.subject}\0{self.limit.text}".encode()).hexdigest()
        return f"{self.name}:{digest[:40]}"

    @property
    def window(self) -> int:
        """The window in milliseconds."""
        return int(self.limit.window.total_seconds() * 1_000)


@dataclass(frozen=True, slots=True)
class Tries:
    """Where a try was counted: in lanes of the one who tried, in those shared with others, and in those of all tries.

    A success resets the first, takes this try back in the second, and stays counted in the last.
    """

    own: list[Lane]
    shared: list[Lane]
    total: list[Lane] = field(default_factory=list)

    def reset(self) -> None:
        """Forget the attempts of a caller that proved right: all in their own lanes, this one in the shared ones."""
        attempts.give_back(_keys(self.shared), cleared=_keys(self.own))

    @contextmanager
    def judging(self) -> Iterator[None]:
        """Take back this one try where it could not be judged."""
        try:
            yield
        except ServiceUnavailable:
            attempts.give_back(_keys([*self.own, *self.shared, *self.total]))
            raise


def lanes(name: str, *subjects: object) -> list[Lane]:
    """The lanes of a subject under the limits of a name."""
    subject = "\0".join(map(str, subjects))
    return [Lane(name, subject, _limit(*limit)) for limit in settings.GATEWAY_LIMITS[name]]


def place(caller: Caller) -> str:
    """Where a caller is, as limits see it: an address, of IPv6 its /64, which one household has."""
    return _place(caller.ip_address) if caller.ip_address else ""


def count(caller: Caller, lanes: list[Lane], *, user: User | None = None, are_new: bool = False) -> None:
    """Count one try in every lane; refuse it where one of them is full, and count it in none."""
    if not counted(lanes, are_new=are_new):
        raise _refused(caller, lanes, user)


def counted(lanes: list[Lane], *, are_new: bool = False) -> bool:
    """Count one try in every lane, or in none where one of them is full; whether it was counted.

    Of lanes that are hardly ever there yet, the rows are made before it is tried, not after it failed.
    """
    keys = _keys(lanes)
    if not are_new and attempts.consume(keys):
        return True
    expired = attempts.now() - CLOCK_SKEW
    attempts.create_missing(
        [Attempts(key=lane.key, most=lane.limit.tries, window=lane.window, until=expired) for lane in lanes]
    )
    return attempts.consume(keys)


def count_sign_in(caller: Caller, *, name: str, user: User | None) -> Tries:
    """Count one guess at an account; by name, whether or not it has an owner, so that limits do not tell."""
    here = lanes("sign_in_here", name, _device(caller, user) or place(caller))
    address, elsewhere = lanes("sign_in_address", place(caller)), lanes("sign_in_elsewhere", name)
    # Successful sign-ins are limited as well: each costs a hash.
    total = [*lanes("sign_in_total_account", name), *lanes("sign_in_total_client", place(caller))]
    if counted([*here, *address, *elsewhere, *total]):
        return Tries(here, [*address, *elsewhere], total)
    if is_known(caller, user) and counted([*here, *address, *total]):
        return Tries(here, address, total)
    raise _refused(caller, [*here, *address, *elsewhere, *total], user)


def count_own(caller: Caller, name: str, *, user: User) -> Tries:
    """Count one guess of somebody signed in, at something of their own."""
    own = lanes(name, user.id)
    count(caller, own, user=user)
    return Tries(own, [])


def forget_sign_ins(caller: Caller, *, user: User) -> None:
    """Forget the guesses at an account whose owner has proven themselves in another way."""
    here = _device(caller, user) or place(caller)
    for name in (normalization.folded(user.username), normalization.folded(user.email)):
        attempts.give_back([], cleared=_keys([*lanes("sign_in_here", name, here), *lanes("sign_in_elsewhere", name)]))


def is_known(caller: Caller, user: User | None) -> bool:
    """Return whether the user has signed in on this device, or from here, with the current password."""
    return bool(_device(caller, user)) or place(caller) in _places(user)


def is_new(caller: Caller, user: User) -> bool:
    """Return whether the user has signed in before, but not with the current password on this device or from here."""
    if _device(caller, user):
        return False
    places = _places(user)
    # Sessions are forgotten after a while; that somebody signed in is not.
    return bool(places or user.last_login) and place(caller) not in places


def prune() -> int:
    """Delete the counts whose windows are over; how many there were."""
    # A little later than it could: a row is made with its window over, and counted in a moment after.
    return pruning.delete(Attempts.objects.filter(until__lt=attempts.now() - 2 * CLOCK_SKEW))


def _device(caller: Caller, user: User | None) -> str:
    # Such a device has lanes of its own, so that taking it elsewhere gives no more tries.
    keeper = caller.keeper
    return keeper.device if keeper and user and device_user(user) in keeper.users else ""


def _places(user: User | None) -> set[str]:
    # The same statement for a user who is not there, so that time does not tell.
    version = user.credential_version if user else 0
    rows = _addresses.rows(user_id=user.id if user else NOBODY, credential_version=version)
    return {_place(address) for address in {address for (address,) in rows} if address}


# Read once: the same few limits and places come with nearly every try.
@cache
def _limit(tries: int, window: timedelta) -> Limit:
    return Limit(tries, window)


@lru_cache(maxsize=REMEMBERED)
def _place(text: str) -> str:
    address = ip_address(text)
    return str(ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


def _keys(lanes: list[Lane]) -> list[str]:
    return [lane.key for lane in lanes]


def _refused(caller: Caller, lanes: list[Lane], user: User | None) -> RateLimited:
    full = list(Attempts.objects.filter(key__in=[lane.key for lane in lanes], tried__gte=F("most")))
    names = sorted({row.key.partition(":")[0] for row in full})
    for name in names:
        metrics.throttled.labels(name).inc()
    # Once a window: a flood that is refused must not fill the table of events instead.
    with transaction.atomic():
        untold = Attempts.objects.filter(key__in=[row.key for row in full], is_told=False)
        # Locked in one order, so that concurrent transactions cannot deadlock.
        locked = list(untold.select_for_update().order_by("key").values_list("key", flat=True))
        is_first = bool(locked) and untold.update(is_told=True) > 0
    if is_first:
        events.record(caller, Kind.ATTEMPTS_THROTTLED, user=user, limits=names)
    now = attempts.now()
    return RateLimited(max([1, *(math.ceil((row.until - now) / 1_000) for row in full)]))


def _addresses_of_user() -> QuerySet[Session, Any]:
    # Only of the password in force: a thief who knew the one before must not count as known.
    sessions = Session.objects.filter(
        user_id=parameter("user_id", Session.user),
        credential_version=parameter("credential_version", Session.credential_version),
    )
    return sessions.order_by("-rotated_at").values_list("ip_address", flat=True)[:50]


_addresses = CompiledQuery(_addresses_of_user)
