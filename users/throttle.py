"""How often a thing may be tried: counted in the shared database, so a second gateway doubles no limit.

1. A try is counted before it is judged, all its lanes in one statement or none, so that of fifty guesses at
   once no more are tested than the limit has, and a refused one counts nowhere and extends no wait.
2. Who proves to be right is forgiven: the try itself everywhere, and all of their own lane.
3. A stranger's guesses at an account fill a lane of their own, which an address that has signed in to the
   account before does not share: nobody can be shut out of where they have been.
"""

import hashlib
import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, cached_property, lru_cache
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import BigIntegerField, Case, F, IntegerField, Q, QuerySet, Subquery, Value, When
from django.db.models.lookups import Exact
from django.utils import timezone

from users import changes, events, names, pruning, tallies
from users.caller import Caller
from users.errors import RateLimited, ServiceUnavailable
from users.events import Kind
from users.finds import Column
from users.models import Attempts, Session, User

NOBODY = UUID(int=0)
# Milliseconds between the clocks of two threads or two machines that count at one moment.
SKEW = 30_000
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

    def forgiveness(self) -> changes.Due:
        """What forgets the tries of who proved to be right: all in their own lanes, this one in the shared."""
        return _uncounted(self.shared, wholly=self.own)

    @contextmanager
    def judging(self) -> Iterator[None]:
        """Take back this one try where it could not be judged."""
        try:
            yield
        except ServiceUnavailable:
            _uncounted([*self.own, *self.shared, *self.total]).make()
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
    by_key = {lane.key: lane for lane in lanes}
    if not are_new and _take(by_key):
        return True
    _make_missing(by_key)
    return _take(by_key)


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
    for name in (names.folded(user.username), names.folded(user.email)):
        _uncounted([], wholly=[*lanes("sign_in_here", name, here), *lanes("sign_in_elsewhere", name)]).make()


def is_known(caller: Caller, user: User | None) -> bool:
    """Whether the caller is where, or on a device on which, the user has signed in before."""
    return bool(_device(caller, user)) or place(caller) in _places(user)


def is_new(caller: Caller, user: User) -> bool:
    """Whether the user has signed in before, and never on this device nor from here."""
    if _device(caller, user):
        return False
    places = _places(user)
    # Sessions are forgotten after a while; that somebody signed in is not.
    return bool(places or user.last_login) and place(caller) not in places


def prune() -> int:
    """Delete the counts whose windows are over; how many there were."""
    # A little later than it could: a row is made with its window over, and counted in a moment after.
    return pruning.delete(Attempts.objects.filter(until__lt=_now() - 2 * SKEW))


def _device(caller: Caller, user: User | None) -> str:
    # Such a device has lanes of its own, so that taking it elsewhere gives no more tries.
    keeper = caller.keeper
    return keeper.device if keeper and user and str(user.id) in keeper.users else ""


def _places(user: User | None) -> set[str]:
    # The same statement for a user who is not there, so that time does not tell.
    addresses = _addresses.all(user_id=user.id if user else NOBODY)
    return {_place(address) for address in {*addresses} if address}


# Read once: the same few limits and places come with nearly every try.
@cache
def _limit(tries: int, window: timedelta) -> Limit:
    return Limit(tries, window)


@lru_cache(maxsize=REMEMBERED)
def _place(text: str) -> str:
    address = ip_address(text)
    return str(ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


def _now() -> int:
    return int(timezone.now().timestamp() * 1_000)


def _take(keys: Collection[str]) -> bool:
    if len(keys) == 1 or connection.vendor != "mysql":
        return bool(_taking(len(keys)).make(now=_now(), **_numbered(keys)))
    # MySQL reads no table that it writes: how many of the rows have room shows only when they are taken.
    with transaction.atomic():
        taken = _taking(len(keys)).make(now=_now(), **_numbered(keys))
        if taken != len(keys):
            transaction.set_rollback(True)
    return taken == len(keys)


def _make_missing(lanes: dict[str, Lane]) -> None:
    # Whoever of two makes them; in one order, lest two wait for each other.
    over = _now() - SKEW
    changes.insert_missing(
        [
            Attempts(key=key, most=lane.limit.tries, window=lane.window, until=over)
            for key, lane in sorted(lanes.items())
        ]
    )


def _uncounted(lanes: list[Lane], wholly: Sequence[Lane] = ()) -> changes.Due:
    keys = [lane.key for lane in (*wholly, *lanes)]
    return _uncounting(len(wholly), len(keys)).due(**_numbered(keys))


@cache
def _taking(count: int) -> changes.Change:
    """Counts one try in so many lanes, in each that is not full."""

    def take(now: int, **keys: str) -> changes.Changed:
        # Also where it ends later than it can: the clock was set back, and no wait is longer than its window.
        over = Q(until__lte=now) | Q(until__gt=F("window") + now + SKEW)
        # The count before the moment: MySQL lets a column see what was set to its left.
        return _free(keys.values(), over | Q(tried__lt=F("most"))), {
            "tried": Case(When(over, then=Value(1)), default=F("tried") + 1),
            "is_told": Case(When(over, then=Value(False)), default=F("is_told")),
            "until": Case(When(over, then=F("window") + now), default=F("until"), output_field=BigIntegerField()),
        }

    return changes.Change(take, values={"now": Attempts.until, **_keys(count)})


class _HowMany(Subquery):
    template = "(SELECT COUNT(*) FROM (%(subquery)s) found)"
    output_field = IntegerField()


def _free(keys: Collection[str], is_free: Q) -> QuerySet[Attempts]:
    """Rows that are free: all of the keys', or none. One statement so needs no transaction to be taken back."""
    rows = Attempts.objects.filter(key__in=keys)
    if connection.vendor == "mysql" or len(keys) == 1:
        return rows.filter(is_free)
    # PostgreSQL locks them before it counts, and counts them as they then are; SQLite has one writer at a time.
    free = rows.filter(is_free).order_by("key").select_for_update().values("key")
    return rows.filter(Exact(_HowMany(free), len(keys)))


@cache
def _uncounting(wholly: int, count: int) -> changes.Change:
    """Forgets one try in so many lanes, and every try in the first few of them."""

    def uncount(**keys: str) -> changes.Changed:
        cleared = list(keys.values())[:wholly]
        less = Case(When(key__in=cleared, then=Value(0)), default=F("tried") - 1)
        return _rows(keys.values()).filter(tried__gt=0), {"tried": less, "is_told": False}

    return changes.Change(uncount, values=_keys(count))


def _keys(count: int) -> dict[str, Any]:
    return _numbered([Attempts.key] * count)


def _numbered(each: Iterable[Any]) -> dict[str, Any]:
    return {f"key{number}": one for number, one in enumerate(each)}


def _rows(keys: Collection[str]) -> QuerySet[Attempts]:
    # To be written. PostgreSQL locks them as they lie in the table, others by their keys; where two count in
    # some of the same lanes, only one order keeps them from waiting for each other.
    rows = Attempts.objects.filter(key__in=keys)
    if connection.vendor != "postgresql" or len(keys) == 1:
        return rows
    return Attempts.objects.filter(key__in=rows.order_by("key").select_for_update().values("key"))


def _refused(caller: Caller, lanes: list[Lane], user: User | None) -> RateLimited:
    full = list(Attempts.objects.filter(key__in=[lane.key for lane in lanes], tried__gte=F("most")))
    names = sorted({row.key.partition(":")[0] for row in full})
    for name in names:
        tallies.throttled.labels(name).inc()
    # Once a window: a flood that is refused must not fill the table of events instead.
    with transaction.atomic():
        untold = _rows([row.key for row in full]).filter(is_told=False).update(is_told=True)
    if untold:
        events.record(caller, Kind.ATTEMPTS_THROTTLED, user=user, limits=names)
    now = _now()
    return RateLimited(max([1, *(math.ceil((row.until - now) / 1_000) for row in full)]))


def _addresses_of(user_id: UUID) -> QuerySet[Session, Any]:
    sessions = Session.objects.filter(user_id=user_id).order_by("-rotated_at")
    return sessions.values_list("ip_address", flat=True)[:50]


_addresses = Column(_addresses_of, values={"user_id": Session.user})
