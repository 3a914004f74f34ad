"""Rate limits, counted in the database so that all gateways share them.

1. An attempt is counted before it is checked, in all its buckets by one statement, or in none. So of fifty concurrent
   guesses no more are checked than the limit allows, and a refused attempt neither counts nor extends the wait.
2. A correct attempt is taken back from all buckets, and empties those of the caller.
3. Attempts from unknown places share a bucket of their own for each account. A place from which the user has signed in
   does not share it, so attackers cannot lock the owner out there.
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
from users.events import EventKind
from users.models import Attempts, Session, User

NO_USER = UUID(int=0)
CACHE_SIZE = 4_096


@dataclass(frozen=True)
class Limit:
    """A number of attempts in a window of time that begins with the first attempt."""

    tries: int
    window: timedelta

    @cached_property
    def text(self) -> str:
        """The part of a bucket's key that names the limit."""
        return str(self)


@dataclass(frozen=True)
class Bucket:
    """The counter of one subject under one limit. Each bucket is a row."""

    name: str
    subject: str
    limit: Limit

    @cached_property
    def key(self) -> str:
        """The primary key of the row: a digest, because subjects are texts that strangers typed."""
        digest = hashlib.sha256(f"{self.subject}\0{self.limit.text}".encode()).hexdigest()
        return f"{self.name}:{digest[:40]}"

    @property
    def window(self) -> int:
        """The window in milliseconds."""
        return int(self.limit.window.total_seconds() * 1_000)


@dataclass(frozen=True, slots=True)
class Attempt:
    """The keys of the buckets that counted an attempt: the caller's own, those shared with others, those of the total.

    A success empties the first, takes this attempt back from the second, and stays counted in the last.
    """

    own: list[str]
    shared: list[str]
    total: list[str] = field(default_factory=list)

    def reset(self) -> None:
        """Empty the caller's own buckets, and take this attempt back from the shared ones."""
        attempts.give_back(self.shared, cleared=self.own)

    @contextmanager
    def refund_on_outage(self) -> Iterator[None]:
        """Take this attempt back if it cannot be checked."""
        try:
            yield
        except ServiceUnavailable:
            attempts.give_back([*self.own, *self.shared, *self.total])
            raise


def buckets(name: str, *subjects: object) -> list[Bucket]:
    """Return the buckets of a subject, one for each limit of this name in GATEWAY_LIMITS."""
    subject = "\0".join(map(str, subjects))
    return [Bucket(name, subject, _limit(*limit)) for limit in settings.GATEWAY_LIMITS[name]]


def place(caller: Caller) -> str:
    """Return the network of a caller: its IPv4 address, or the /64 of its IPv6 address, which one household has."""
    return _place(caller.ip_address) if caller.ip_address else ""


def consume(caller: Caller, buckets: list[Bucket], *, user: User | None = None, are_new: bool = False) -> None:
    """Count one attempt in every bucket, or raise RateLimited and count it in none."""
    if not try_consume(buckets, are_new=are_new):
        raise _refused(caller, buckets, user)


def try_consume(buckets: list[Bucket], *, are_new: bool = False) -> bool:
    """Count one attempt in every bucket, or in none if one of them is full; return whether it was counted.

    `are_new` says that the buckets probably have no rows yet, which saves a statement.
    """
    names = keys(buckets)
    if not are_new and attempts.consume(names):
        return True
    expired = attempts.now() - CLOCK_SKEW
    attempts.create_missing(
        [Attempts(key=each.key, most=each.limit.tries, window=each.window, until=expired) for each in buckets]
    )
    return attempts.consume(names)


def consume_sign_in(caller: Caller, *, name: str, user: User | None) -> Attempt:
    """Count one sign-in by the name that was typed, so that limits do not reveal which accounts exist."""
    here = buckets("sign_in_here", name, _device(caller, user) or place(caller))
    address, elsewhere = buckets("sign_in_address", place(caller)), buckets("sign_in_elsewhere", name)
    # Successful sign-ins are limited as well, because each costs a hash.
    total = [*buckets("sign_in_total_account", name), *buckets("sign_in_total_client", place(caller))]
    if try_consume([*here, *address, *elsewhere, *total]):
        return Attempt(keys(here), keys([*address, *elsewhere]), keys(total))
    if is_known_place(caller, user) and try_consume([*here, *address, *total]):
        return Attempt(keys(here), keys(address), keys(total))
    raise _refused(caller, [*here, *address, *elsewhere, *total], user)


def consume_own(caller: Caller, name: str, *, user: User) -> Attempt:
    """Count one attempt of a signed-in user at the own account."""
    own = buckets(name, user.id)
    consume(caller, own, user=user)
    return Attempt(keys(own), [])


def consume_second_factor(caller: Caller, *, user: User) -> Attempt:
    """Count one second factor of a sign-in. All unknown places of a user share a limit, known ones do not."""
    here = buckets("second_factor_here", user.id, _device(caller, user) or place(caller))
    elsewhere = [] if is_known_place(caller, user) else buckets("second_factor_elsewhere", user.id)
    consume(caller, [*here, *elsewhere], user=user)
    return Attempt(keys(here), keys(elsewhere))


def use_once(name: str, subject: str, *, window: timedelta) -> bool:
    """Return True at the first use of a subject in a window of time, and False at every other."""
    return try_consume([Bucket(name, subject, _limit(1, window))], are_new=True)


def reset_sign_ins(caller: Caller, *, user: User) -> None:
    """Reset the sign-in limits of a user who has proven to be the owner of the account in another way."""
    here = _device(caller, user) or place(caller)
    for name in (normalization.fold(user.username), normalization.fold(user.email)):
        attempts.give_back(
            [], cleared=keys([*buckets("sign_in_here", name, here), *buckets("sign_in_elsewhere", name)])
        )


def is_known_place(caller: Caller, user: User | None) -> bool:
    """Return whether the user has signed in on this device, or from here, with the current password."""
    return bool(_device(caller, user)) or place(caller) in _places(user)


def is_new_place(caller: Caller, user: User) -> bool:
    """Return whether the user has signed in before, but not with the current password on this device or from here."""
    if _device(caller, user):
        return False
    places = _places(user)
    # Sessions are deleted after a while; `last_login` stays.
    return bool(places or user.last_login) and place(caller) not in places


def prune() -> int:
    """Delete the counters whose windows are over, and return how many."""
    # A new row begins with an expired window until the statement after it, so wait a little longer.
    return pruning.delete(Attempts.objects.filter(until__lt=attempts.now() - 2 * CLOCK_SKEW))


def _device(caller: Caller, user: User | None) -> str:
    # A known device has buckets of its own in every network, so moving it gives no further attempts.
    cookie = caller.refresh_cookie
    return cookie.device if cookie and user and device_user(user) in cookie.device_users else ""


def _places(user: User | None) -> set[str]:
    # The same statement if there is no user, so that the time does not reveal it.
    version = user.credential_version if user else 0
    rows = _addresses.rows(user_id=user.id if user else NO_USER, credential_version=version)
    return {_place(address) for address in {address for (address,) in rows} if address}


# Cached: nearly every attempt has the same few limits and places.
@cache
def _limit(tries: int, window: timedelta) -> Limit:
    return Limit(tries, window)


@lru_cache(maxsize=CACHE_SIZE)
def _place(text: str) -> str:
    address = ip_address(text)
    return str(ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


def keys(buckets: list[Bucket]) -> list[str]:
    """Return the keys of buckets, for an Attempt."""
    return [bucket.key for bucket in buckets]


def _refused(caller: Caller, buckets: list[Bucket], user: User | None) -> RateLimited:
    full = list(Attempts.objects.filter(key__in=[bucket.key for bucket in buckets], tried__gte=F("most")))
    names = sorted({row.key.partition(":")[0] for row in full})
    for name in names:
        metrics.throttled.labels(name).inc()
    # Once a window, so that a flood of refused attempts does not fill the table of events.
    with transaction.atomic():
        unrecorded = Attempts.objects.filter(key__in=[row.key for row in full], is_told=False)
        # Locked in one order, so that concurrent transactions cannot deadlock.
        locked = list(unrecorded.select_for_update().order_by("key").values_list("key", flat=True))
        is_first = bool(locked) and unrecorded.update(is_told=True) > 0
    if is_first:
        events.record(caller, EventKind.ATTEMPTS_THROTTLED, user=user, limits=names)
    now = attempts.now()
    return RateLimited(max([1, *(math.ceil((row.until - now) / 1_000) for row in full)]))


def _addresses_of_user() -> QuerySet[Session, Any]:
    # Only sessions of the current password: a thief's place must not stay known after the password was changed.
    sessions = Session.objects.filter(
        user_id=parameter("user_id", Session.user),
        credential_version=parameter("credential_version", Session.credential_version),
    )
    return sessions.order_by("-rotated_at").values_list("ip_address", flat=True)[:50]


_addresses = CompiledQuery(_addresses_of_user)
