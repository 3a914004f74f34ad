"""Threads that answer requests, and the hand-over of requests to them.

1. A thread answers its client itself, and tells nobody of it.
2. Of the threads that wait, the last one to begin waiting is given the next request: what it needs is still in the
   processor's caches, and those which are seldom needed are seldom started.
3. A few are at work at once, for Python runs one at a time whatever there are, and to take turns costs the most of a
   small request: of 16 clients each takes 6 % less CPU by four than by eight, of 64 clients 10 % less by eight than by
   26. So there are four, and one more for every moment that a request has waited, as it has where many come. Who waits
   for a hash, or for a lookup in a database that is far away, is not counted: with 2 ms more on the way there, 16
   clients are answered twice as often.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue

from django.conf import settings

AT_ONCE = 4
# Seconds; longer than what 16 clients wait where only Python is waited for.
MOMENT = 0.004

log = logging.getLogger("gateway.server")
Work = Callable[[], None]


class Hands:
    """So many threads at most, started as they are needed."""

    def __init__(self, most: int, *, at_once: int = AT_ONCE) -> None:
        self.most, self.at_once = most, at_once
        self.started = self.at_work = 0
        self.lock = threading.Lock()
        self.idle: list[SimpleQueue[Work]] = []
        # The work, and since when it waits.
        self.waiting: deque[tuple[Work, float]] = deque()
        self.known = threading.local()

    def do(self, work: Work) -> None:
        """Have a thread do this, as soon as there is room."""
        with self.lock:
            self.waiting.append((work, time.monotonic()))
        self.look()

    def look(self) -> None:
        """Put threads to work, where there is room for what waits."""
        with self.lock:
            while self._is_room() and (hand := self.idle.pop() if self.idle else self._start()):
                self.at_work += 1
                hand.put(self.waiting.popleft()[0])

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let another thread work while this one waits for something else than Python."""
        if not hasattr(self.known, "is_hand"):
            yield
            return
        with self.lock:
            self.at_work -= 1
        self.look()
        try:
            yield
        finally:
            with self.lock:
                self.at_work += 1

    def _is_room(self) -> bool:
        if not self.waiting:
            return False
        waited = time.monotonic() - self.waiting[0][1]
        return self.at_work < self.at_once + waited // MOMENT

    def _start(self) -> SimpleQueue[Work] | None:
        if self.started == self.most:
            return None
        hand: SimpleQueue[Work] = SimpleQueue()
        # No thread holds up the end of the process: the server has waited for answers by then.
        thread = threading.Thread(target=self._work, args=(hand,), name=f"gateway_{self.started + 1}", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # What waits is done by others, or once there can be one again.
            log.exception("a thread could not be started")
            return None
        self.started += 1
        return hand

    def _work(self, hand: SimpleQueue[Work]) -> None:
        self.known.is_hand = True
        work = hand.get()
        while True:
            try:
                work()
            except BaseException:
                log.exception("a request could not be answered")
            # Nothing of a request is held while the next is waited for.
            del work
            work = self._next(hand)

    def _next(self, hand: SimpleQueue[Work]) -> Work:
        with self.lock:
            self.at_work -= 1
            if self._is_room():
                self.at_work += 1
                return self.waiting.popleft()[0]
            self.idle.append(hand)
        return hand.get()


hands = Hands(settings.GATEWAY_THREADS)
