"""Password hashing in a thread pool with a bounded queue, so that a flood of sign-ins leaves CPU, memory and threads.

When the queue is full, a new request takes the place of a waiting one of the client or account that holds the most
places. So one client may use the whole queue while it is alone, and never keeps others out.
"""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth import hashers
from django.db import connection

from users import metrics, throttle
from users.caller import Caller
from users.errors import ServiceUnavailable

T = TypeVar("T")
# Seconds. A full queue of argon2 hashes takes less than two on one core.
WAIT_TIMEOUT = 4.0
RETRY_AFTER = 2


@dataclass(eq=False, frozen=True, slots=True)
class Job:
    """A hash that is running or waiting, and the client and account that it is for."""

    client: str
    account: str
    future: "Future[Any]"


class HashingPool:
    """Runs hashes in its own threads: `threads` at once, while `queue` more wait."""

    def __init__(self, *, threads: int, queue: int) -> None:
        self.executor = ThreadPoolExecutor(threads, thread_name_prefix="hashing")
        self.capacity = threads + queue
        self.lock = threading.Lock()
        # Oldest first; a dict as an ordered set.
        self.jobs: dict[Job, None] = {}

    def run(self, work: Callable[[], T], *, client: str, account: str) -> T:
        """Return the result of `work`, or raise ServiceUnavailable without running it."""
        with self.lock:
            self._make_room(client, account)
            metrics.hashes.labels("waiting").inc()
            future = self.executor.submit(_run, work)
            job = Job(client, account, future)
            self.jobs[job] = None
        try:
            return _wait(future)
        finally:
            if future.cancelled():
                metrics.hashes.labels("waiting").dec()
            with self.lock:
                self.jobs.pop(job, None)

    def _make_room(self, client: str, account: str) -> None:
        if len(self.jobs) < self.capacity:
            return
        clients, accounts = (Counter(getattr(job, name) for job in self.jobs) for name in ("client", "account"))
        held = {job: max(clients[job.client], accounts[job.account]) for job in self.jobs}
        asked = 1 + max(clients[client], accounts[account])
        # The newest first: it has waited the least. A running hash cannot be cancelled.
        heavier = [job for job in reversed(self.jobs) if held[job] > asked]
        for job in sorted(heavier, key=held.__getitem__, reverse=True):
            if job.future.cancel():
                del self.jobs[job]
                return
        raise _refused("queue_full")


def hash_password(caller: Caller, password: str, *, account: str) -> str:
    """Return the encoded hash of a password; `account` names the account that it is for."""
    return _run_for(caller, account, lambda: hashers.make_password(password))


def check_password(
    caller: Caller, password: str, encoded: str, *, account: str, upgrade: Callable[[str], None] | None = None
) -> bool:
    """Return whether the hash was made from this password.

    `upgrade` is called with a new hash where the given one has another algorithm or cost.
    """
    upgraded: list[str] = []

    def check() -> bool:
        setter = (lambda raw: upgraded.append(hashers.make_password(raw))) if upgrade else None
        return hashers.check_password(password, encoded, setter)

    is_correct = _run_for(caller, account, check)
    # In this thread: the pool's threads have no database connections.
    if upgrade and upgraded:
        upgrade(upgraded[0])
    return is_correct


def _run_for(caller: Caller, account: str, work: Callable[[], T]) -> T:
    return pool.run(work, client=throttle.place(caller), account=account)


def _run(work: Callable[[], T]) -> T:
    metrics.hashes.labels("waiting").dec()
    with metrics.hashes.labels("running").track_inprogress():
        return work()


def _wait(future: "Future[T]") -> T:
    """Return the result of a job."""
    # Requests that wait for a hash leave the database connections to other requests.
    if not connection.in_atomic_block:
        connection.close()
    try:
        return future.result(WAIT_TIMEOUT)
    except TimeoutError:
        if future.cancel():
            raise _refused("timeout") from None
        # Already running: its result is worth the milliseconds.
        return future.result()
    except CancelledError:
        raise _refused("replaced") from None


def _refused(reason: str) -> ServiceUnavailable:
    metrics.hashes_refused.labels(reason).inc()
    return ServiceUnavailable(RETRY_AFTER)


pool = HashingPool(threads=settings.GATEWAY_MAX_CONCURRENT_HASHES, queue=settings.GATEWAY_HASH_QUEUE)
