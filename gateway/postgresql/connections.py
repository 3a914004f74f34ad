"""PostgreSQL: a connection that gives up a server which has fallen silent, and that remembers what it said."""

import select
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import Any, NoReturn, Self, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.rows import TupleRow

from gateway.postgresql.repeating import Repeating

# Longer than the server's own timeouts, which tell more; a frozen one keeps none of them.
SILENCE = 3.2
# Milliseconds in which a server that is near has answered.
NEAR = 1
# What a thread does that waits for longer: whoever lends it may let another one work.
aside: Callable[[], AbstractContextManager[None]] = nullcontext

Found = TypeVar("Found")


class Connection(psycopg.Connection[TupleRow]):
    """A connection on which a server that says nothing is waited for no longer than its `silence`."""

    silence: float | None = SILENCE

    @classmethod
    def connect(cls, *given: Any, silence: float | str | None = SILENCE, **options: Any) -> Self:
        """A connection of this patience; of one without an end where it is 0."""
        made = super().connect(*given, **options)
        made.silence = float(silence or 0) or None
        return made

    @cached_property
    def repeating(self) -> Repeating:
        """Who says the statements that come again."""
        return Repeating(self)

    @cached_property
    def _ear(self) -> select.poll:
        made = select.poll()
        made.register(self.fileno(), select.POLLIN)
        return made

    def hears(self) -> bool:
        """Whether the server has said something that nobody has read."""
        return bool(self._ear.poll(0))

    def listen(self) -> None:
        """Wait until the server says something, and read it; where that takes longer, let others work meanwhile."""
        if not self._ear.poll(NEAR):
            with aside():
                if not self._ear.poll(self.silence and self.silence * 1_000):
                    self._give_up()
        self.pgconn.consume_input()

    def wait(self, gen: PQGen[Found], interval: float = 0.1, timeout: float | None = None) -> Found:
        """What the server answers; where it does not, the connection is closed, for what comes next must not wait."""
        try:
            return super().wait(gen, interval=interval, timeout=timeout or self.silence)
        except psycopg.errors._WaitTimeout:
            self._give_up()

    def _give_up(self) -> NoReturn:
        self.pgconn.finish()
        raise psycopg.OperationalError("the server is silent") from None


class Driver:
    """psycopg, but for the kind of its connections."""

    connect = Connection.connect

    def __getattr__(self, name: str) -> Any:
        return getattr(psycopg, name)


def options(given: dict[str, Any], **seconds: float) -> str:
    """The server's own timeouts as libpq sends them; what an address gives comes later, and so wins."""
    ours = " ".join(f"-c {name}={int(value * 1_000)}" for name, value in seconds.items())
    return f"{ours} {given.get('options', '')}".rstrip()
