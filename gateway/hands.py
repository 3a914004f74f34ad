"""Threads that answer requests, and the hand-over of requests to them.

1. A thread answers its client itself, and tells nobody of it.
2. Of the threads that wait, the last one to begin waiting is given the next request: what it needs is still in the
   processor's caches, and those which are seldom needed are seldom started.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

log = logging.getLogger("gateway.server")
Work = Callable[[], None]


class Hands:
    """So many threads at most, started as they are needed."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.started = 0
        self.lock = threading.Lock()
        # Of these two, one is always empty.
        self.idle: list[SimpleQueue[Work]] = []
        self.waiting: deque[Work] = deque()

    def do(self, work: Work) -> None:
        """Have a thread do this, as soon as one is free."""
        with self.lock:
            if not self.idle and self.started == self.most:
                self.waiting.append(work)
                return
            hand = self.idle.pop() if self.idle else self._start()
        hand.put(work)

    def _start(self) -> SimpleQueue[Work]:
        hand: SimpleQueue[Work] = SimpleQueue()
        name = f"gateway_{self.started + 1}"
        # No thread holds up the end of the process: the server has waited for answers by then.
        threading.Thread(target=self._work, args=(hand,), name=name, daemon=True).start()
        self.started += 1
        return hand

    def _work(self, hand: SimpleQueue[Work]) -> None:
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
            if self.waiting:
                return self.waiting.popleft()
            self.idle.append(hand)
        return hand.get()
