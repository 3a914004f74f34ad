"""A worker of granian's in which no event loop stands between the server and the gateway.

Granian would have each request begun by the loop, in a task, and its body awaited there: twice the loop is woken, and
twice a thread that wakes it. Here granian's one thread for Python begins a request itself and takes its body, by plain
calls that wait for nothing. An application that answers at once costs 68 us of CPU a request in place of 116 for a
client that asks alone, 48 in place of 66 for sixteen (one core; medians of rounds in turns).

It leans on what granian keeps to itself, as `server.py` and `leaving.py` do: whoever raises its version runs the tests
of these files and of `arrivals.py`, and `tests/gateway/test_serve.py` and `tests/faults/test_crashes.py`, which ask a
real server.
"""

import logging
from collections.abc import Callable
from typing import Any

from granian._granian import CallbackScheduler
from granian.server import mp

from gateway import arrivals, leaving
from gateway.arrivals import Arrival
from gateway.hands import hands

# For bodies that are late it is one clock for all, since a timer for each cost 5 us a request.
LOOK_FOR_BODIES = 0.5
# Where all who are at work stand still, nobody else sees that somebody waits.
LOOK_FOR_WORK = 0.05

log = logging.getLogger("gateway.server")
Serve = Callable[[Any, Any], None]


class Loop:
    """The event loop, which waits for signals and for bodies that are late; what arrives does not go through it."""

    def __init__(self, inner: Any, listener: int) -> None:
        self.inner, self.listener = inner, listener

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def call_soon_threadsafe(self, act: Any, *args: Any, context: Any = None) -> Any:
        """Go on with a request in the thread that says what has arrived; let the loop do all else."""
        if isinstance(act, Arrival):
            return attempt(act, *args)
        return self.inner.call_soon_threadsafe(act, *args, context=context)

    def call_soon(self, act: Any, *args: Any, context: Any = None) -> Any:
        """The same, for what was given up."""
        if isinstance(act, Arrival):
            return attempt(act, *args)
        return self.inner.call_soon(act, *args, context=context)

    def add_signal_handler(self, number: int, stop: Any, *args: Any) -> None:
        """Have granian hear that it is to stop when those who have come were answered."""
        self.inner.add_signal_handler(number, self._leave, stop, *args)

    def _leave(self, stop: Any, *args: Any) -> None:
        # First, so that it stops whatever fails.
        self.inner.call_later(leaving.SECONDS, stop, *args)
        leaving.begin(self.listener)


def scheduler(loop: Any, serve: Serve) -> Any:
    """What granian hands a request to; it needs nothing here by which granian runs tasks."""
    make: Callable[..., Any] = CallbackScheduler
    made = make(loop, serve, None, None, None)
    made._schedule_fn = lambda watcher: attempt(serve, watcher.scope, watcher.proto)
    return made


def attempt(act: Callable[..., None], *args: Any) -> None:
    """Do it, and let nothing reach granian, which would trip over it; a request left so is answered by 500."""
    try:
        act(*args)
    except BaseException:
        log.exception("a request could not be begun")


def look(loop: Any, every: float, after: Callable[[], None]) -> None:
    """Look, now and then, after what nobody else will."""
    loop.call_later(every, look, loop, every, after)
    after()


def run(number: int, serve: Serve, sock: Any, ipc: Any, loop: Any, *more: Any) -> None:
    """Serve in this process until granian says stop."""
    theirs: Any = mp
    theirs._new_cbscheduler = lambda outer, wrapped, impl_asyncio: scheduler(outer, serve)
    look(loop, LOOK_FOR_BODIES, arrivals.look)
    look(loop, LOOK_FOR_WORK, hands.look)
    theirs.MPServer._spawn_rsgi_worker.__wrapped__(number, serve, sock, ipc, Loop(loop, sock[1].get_fd()), *more)
