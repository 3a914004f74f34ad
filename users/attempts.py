"""Counters of attempts, as SQL text: the ORM takes 2 ms to compile such a statement, running it takes 0.1 ms.

Each counter is a row of `Attempts`. Several are counted together, in one statement, in all of them or in none. Table
aliases stand before the column names because some of these are reserved words in MySQL.
"""

from collections.abc import Collection, Sequence
from functools import cache

from django.db import connection, transaction
from django.utils import timezone

from users.models import Attempts

# Milliseconds by which the clocks of two gateways may differ.
CLOCK_SKEW = 30_000
# A window is also over when it ends later than it can: the clock was set back, and no wait may exceed the window.
EXPIRED = "({0}.until <= %s OR {0}.until > {0}.window + %s)"


def now() -> int:
    """Return the time in milliseconds since the epoch."""
    return int(timezone.now().timestamp() * 1_000)


def consume(keys: Collection[str]) -> bool:
    """Count one attempt in every counter, or in none where one is full or missing; return whether it was counted."""
    if connection.vendor != "mysql":
        return _consume(keys) > 0
    # MySQL cannot read the table that it updates, so a partial count is rolled back.
    with transaction.atomic():
        counted = _consume(keys) == len(keys)
        transaction.set_rollback(not counted)
    return counted


def create_missing(counters: Collection[Attempts]) -> None:
    """Insert the counters that do not exist yet."""
    # Sorted, so that concurrent transactions cannot deadlock.
    Attempts.objects.bulk_create(sorted(counters, key=lambda each: each.key), ignore_conflicts=True)


def give_back(keys: Sequence[str], *, cleared: Sequence[str] = ()) -> None:
    """Uncount one attempt in every counter, and all attempts in the cleared ones."""
    everything = [*cleared, *keys]
    if everything:
        with connection.cursor() as cursor:
            cursor.execute(_give_back_sql(len(everything), len(cleared)), [*cleared, *everything])


def _consume(keys: Collection[str]) -> int:
    at = now()
    expired = [at, at + CLOCK_SKEW]
    # In the order of the placeholders: three columns to set, the keys, and which counters have room.
    params: list[int | str] = [*expired, *expired, *expired, at, *keys]
    if connection.vendor == "mysql" or len(keys) == 1:
        params += expired
    else:
        params += [*keys, *expired, len(keys)]
    with connection.cursor() as cursor:
        cursor.execute(_consume_sql(len(keys), connection.vendor), params)
        return int(cursor.rowcount)


@cache
def _consume_sql(count: int, vendor: str) -> str:
    expired, keys = EXPIRED.format("a"), _placeholders(count)
    has_room = f"({expired} OR a.tried < a.most)"
    if vendor != "mysql" and count > 1:
        # PostgreSQL locks the rows first and counts them as they are then; SQLite has one writer at a time.
        lock = "ORDER BY b.key FOR UPDATE" if vendor == "postgresql" else ""
        has_room = (
            f"(SELECT COUNT(*) FROM (SELECT b.key FROM users_attempts AS b WHERE b.key IN ({keys})"
            f" AND ({EXPIRED.format('b')} OR b.tried < b.most) {lock}) AS free) = %s"
        )
    # The time comes last: in MySQL a column sees the new values of those set before it.
    return (
        f"UPDATE users_attempts AS a SET tried = CASE WHEN {expired} THEN 1 ELSE a.tried + 1 END,"
        f" is_told = CASE WHEN {expired} THEN FALSE ELSE a.is_told END,"
        f" until = CASE WHEN {expired} THEN a.window + %s ELSE a.until END"
        f" WHERE a.key IN ({keys}) AND {has_room}"
    )


@cache
def _give_back_sql(count: int, cleared: int) -> str:
    keys = _placeholders(count)
    if connection.vendor == "postgresql" and count > 1:
        # Locked in one order, so that concurrent transactions cannot deadlock.
        keys = f"SELECT b.key FROM users_attempts AS b WHERE b.key IN ({keys}) ORDER BY b.key FOR UPDATE"
    tried = f"CASE WHEN a.key IN ({_placeholders(cleared)}) THEN 0 ELSE a.tried - 1 END" if cleared else "a.tried - 1"
    return f"UPDATE users_attempts AS a SET tried = {tried}, is_told = FALSE WHERE a.tried > 0 AND a.key IN ({keys})"


def _placeholders(count: int) -> str:
    return ", ".join(["%s"] * count)
