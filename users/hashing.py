"""Hashing, so many at once: a flood of sign-ins waits its turn or is sent away, and the rest goes on serving."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password

from users.errors import ServiceUnavailable

P = ParamSpec("P")
T = TypeVar("T")
PATIENCE = 2.0
RETRY_AFTER = 2


class Turns:
    """So many at once, so many waiting, and no more."""

    def __init__(self, *, at_once: int, waiting: int) -> None:
        self.free = threading.BoundedSemaphore(at_once)
        self.seats = threading.BoundedSemaphore(at_once + waiting)

    @contextmanager
    def seat(self) -> Iterator[None]:
        """A place to wait in; refused at once where every seat is taken."""
        if not self.seats.acquire(blocking=False):
            raise ServiceUnavailable(RETRY_AFTER)
        try:
            yield
        finally:
            self.seats.release()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A turn; refused where the wait grows long."""
        if not self.free.acquire(timeout=PATIENCE):
            raise ServiceUnavailable(RETRY_AFTER)
        try:
            yield
        finally:
            self.free.release()


turns = Turns(at_once=settings.GATEWAY_HASHES_AT_ONCE, waiting=settings.GATEWAY_HASHES_WAITING)


def seated(rule: Callable[P, T]) -> Callable[P, T]:
    """A rule that hashes, refused before its first statement where it would find no seat."""

    @wraps(rule)
    def with_seat(*args: P.args, **kwargs: P.kwargs) -> T:
        with turns.seat():
            return rule(*args, **kwargs)

    return with_seat


def make(password: str) -> str:
    """The hash to keep of a password."""
    with turns.turn():
        return make_password(password)


def check(password: str, encoded: str, upgrade: Callable[[str], None] | None) -> bool:
    """Whether a hash was made of this password; a hash of another kind or cost is made anew."""
    with turns.turn():
        return check_password(password, encoded, upgrade)
