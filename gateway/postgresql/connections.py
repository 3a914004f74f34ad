"""PostgreSQL: a connection that gives up a server which has fallen silent."""

from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.rows import TupleRow

# Longer than the server's own timeouts, which tell more; a frozen one keeps none of them.
SILENCE = 3.2

Found = TypeVar("Found")


class Connection(psycopg.Connection[TupleRow]):
    """A connection on which no answer is waited for longer than `SILENCE`."""

    def wait(self, gen: PQGen[Found], interval: float = 0.1, timeout: float | None = None) -> Found:
        """What the server answers; where it does not, the connection is closed, for what comes next must not wait."""
        try:
            return super().wait(gen, interval=interval, timeout=timeout or SILENCE)
        except psycopg.errors._WaitTimeout:
            self.pgconn.finish()
            raise psycopg.OperationalError("the server is silent") from None


def options(given: dict[str, Any], **seconds: float) -> str:
    """The server's own timeouts as libpq sends them; what an address gives comes later, and so wins."""
    ours = " ".join(f"-c {name}={int(value * 1_000)}" for name, value in seconds.items())
    return f"{ours} {given.get('options', '')}".rstrip()
