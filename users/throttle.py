"""How often a thing may be tried: counted in the shared database, so a second gateway doubles no limit."""

import math
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from users.errors import RateLimited
from users.models import Attempts


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries in a window of time that begins with the first."""

    name: str
    tries: int
    window: timedelta


# More than eight: of so many at once with the right password, one wins and the others are told CONFLICT.
CHANGE_PASSWORD = Limit("change_password", 10, timedelta(minutes=5))


def count(limit: Limit, *, subject: object) -> None:
    """Count one try before it is judged; refuse it where the window's tries are used up."""
    key = f"{limit.name}:{subject}"
    for attempt in (_again, _afresh, _first, _again):
        if attempt(key, limit):
            return
    raise RateLimited(_wait(key, limit))


def forgive(limit: Limit, *, subject: object) -> None:
    """Forget the tries: the one who tried has proven who they are."""
    # The row stays: who found it a moment ago must not find it gone, and take that for a refusal.
    Attempts.objects.filter(key=f"{limit.name}:{subject}").update(tried=0)


def _again(key: str, limit: Limit) -> bool:
    # One statement judges and counts: of fifty racing tries no more pass than the limit has.
    within = Attempts.objects.filter(key=key, since__gt=timezone.now() - limit.window, tried__lt=limit.tries)
    return within.update(tried=F("tried") + 1) == 1


def _afresh(key: str, limit: Limit) -> bool:
    now = timezone.now()
    return Attempts.objects.filter(key=key, since__lte=now - limit.window).update(tried=1, since=now) == 1


def _first(key: str, limit: Limit) -> bool:
    try:
        with transaction.atomic():
            Attempts.objects.create(key=key, tried=1, since=timezone.now())
    except IntegrityError:
        return False
    return True


def _wait(key: str, limit: Limit) -> int:
    since = Attempts.objects.filter(key=key).values_list("since", flat=True).first() or timezone.now()
    left = since + limit.window - timezone.now()
    # Clamped: with the clock set back, no wait is longer than the window.
    return max(1, math.ceil(min(left, limit.window).total_seconds()))
