"""Bodies on their way: nobody waits for one, the server says when there is more.

What is done here is done in the server's thread, between two requests; it may do nothing that waits.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

BODY_SECONDS = 10

Then = Callable[[bytes | None], None]


class Arrival:
    """A body that is no larger than it may be, as it was announced: it comes in one piece."""

    __slots__ = ("due", "future", "protocol", "then")

    def __init__(self, protocol: Any, then: Then) -> None:
        self.protocol, self.then = protocol, then
        self.due = time.monotonic() + BODY_SECONDS
        self.future: Any = None
        underway.add(self)
        try:
            self.ask()
        except BaseException:
            underway.discard(self)
            raise

    def ask(self) -> None:
        """Want to hear of it."""
        self.expect(self.protocol())

    def expect(self, future: Any) -> None:
        """Be called when this is here, or given up."""
        # Known before it can come, so that it can be given up.
        self.future = future
        future.add_done_callback(self, context=None)

    def __call__(self, future: Any) -> None:
        """Take what has come."""
        # Either knows the other, and Python's collector does not see through granian's: they would stay for ever.
        self.future = None
        try:
            content = future.result()
        except asyncio.CancelledError:
            self.end(None)
        except Exception:
            # The client has left: there is nobody to answer.
            underway.discard(self)
        else:
            self.take(content)

    def take(self, content: bytes) -> None:
        """All of it is here."""
        self.end(content)

    def end(self, body: bytes | None) -> None:
        """Say what came; None is that it did not, in time."""
        underway.discard(self)
        self.then(body)


class Pieces(Arrival):
    """A body of unknown size, or too large: no more of it is read than shows that it is too large."""

    __slots__ = ("most", "pieces", "size")

    def __init__(self, protocol: Any, then: Then, most: int) -> None:
        self.most, self.size = most, 0
        self.pieces: list[bytes] = []
        super().__init__(aiter(protocol), then)

    def ask(self) -> None:
        """Want to hear of the next piece."""
        try:
            future = anext(self.protocol)
        except StopAsyncIteration:
            self.end(b"".join(self.pieces))
        else:
            self.expect(future)

    def take(self, content: bytes) -> None:
        """One piece more."""
        self.pieces.append(content)
        self.size += len(content)
        if self.size > self.most:
            self.end(b"".join(self.pieces))
        else:
            self.ask()


underway: set[Arrival] = set()


def look() -> None:
    """Give up what is late."""
    now = time.monotonic()
    for future in [each.future for each in underway.copy() if each.due < now]:
        # What has come this moment cannot be given up: if more is to come, the next look will.
        if future:
            future.cancel()
