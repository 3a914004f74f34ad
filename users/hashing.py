"""Hashing, so many at once: a flood of sign-ins waits its turn or is sent away, and the rest goes on serving."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password

from users import metrics as tallies
from users.errors import ServiceUnavailable

PATIENCE = 2.0
RETRY_AFTER = 2
# What a thread that hashes, or waits for its turn, does meanwhile: whoever lends it may let another one work.
aside: Callable[[], AbstractContextManager[None]] = nullcontext


class Turns:
    """So many at once, so many waiting, and no more."""

    def __init__(self, *, at_once: int, waiting: int) -> None:
        self.free = threading.BoundedSemaphore(at_once)
        self.seats = threading.BoundedSemaphore(at_once + waiting)

    @contextmanager
    def seat(self) -> Iterator[None]:
        """A place to wait in; refused at once where every seat is taken."""
        if not self.seats.acquire(blocking=False):
            tallies.hashes_refused.labels("seat").inc()
            raise ServiceUnavailable(RETRY_AFTER)
        try:
            yield
        finally:
            self.seats.release()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A turn; refused where the wait grows long."""
        with tallies.hashes.labels("waiting").track_inprogress():
            is_free = self.free.acquire(timeout=PATIENCE)
        if not is_free:
            tallies.hashes_refused.labels("turn").inc()
            raise ServiceUnavailable(RETRY_AFTER)
        try:
            with tallies.hashes.labels("running").track_inprogress():
                yield
        finally:
            self.free.release()


turns = Turns(at_once=settings.GATEWAY_HASHES_AT_ONCE, waiting=settings.GATEWAY_HASHES_WAITING)


def seat() -> AbstractContextManager[None]:
    """A place to wait for a turn in; to be taken before a try is counted, so that a flood costs no statement."""
    return turns.seat()


def make(password: str) -> str:
    """The hash to keep of a password."""
    with aside(), turns.turn():
        return make_password(password)


def check(password: str, encoded: str, upgrade: Callable[[str], None] | None) -> bool:
    """Whether a hash was made of this password; a hash of another kind or cost is made anew."""
    with aside(), turns.turn():
        return check_password(password, encoded, upgrade)
