"""PostgreSQL: a connection that gives up a server which has fallen silent, and that remembers what it said."""

import re
from functools import cached_property, lru_cache
from itertools import count
from typing import Any, Self, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg.types.datetime import TimestamptzLoader

# Longer than the server's own timeouts, which tell more; a frozen one keeps none of them.
SILENCE = 3.2
# Says a server that cannot repeat what it kept; nothing was done.
FORGOTTEN = (psycopg.errors.FeatureNotSupported, psycopg.errors.InvalidSqlStatementName)
# More than there are statements that come again.
KEPT = 500
PLACE = re.compile("%[s%]")

Found = TypeVar("Found")


class Connection(psycopg.Connection[TupleRow]):
    """A connection on which no answer is waited for longer than its `silence`."""

    silence: float | None = SILENCE

    @classmethod
    def connect(cls, *given: Any, silence: float | str | None = SILENCE, **options: Any) -> Self:
        """A connection of this patience; of one without an end where it is 0."""
        made = super().connect(*given, **options)
        made.silence = float(silence or 0) or None
        return made

    @cached_property
    def repeating(self) -> "Repeating":
        """The cursor for statements that come again."""
        return Repeating(self)

    def wait(self, gen: PQGen[Found], interval: float = 0.1, timeout: float | None = None) -> Found:
        """What the server answers; where it does not, the connection is closed, for what comes next must not wait."""
        try:
            return super().wait(gen, interval=interval, timeout=timeout or self.silence)
        except psycopg.errors._WaitTimeout:
            self.pgconn.finish()
            raise psycopg.OperationalError("the server is silent") from None


class Repeating(psycopg.RawCursor[TupleRow]):
    """A cursor whose every statement the server keeps, read and planned, as long as the connection lasts.

    The driver would look for the places of values in each anew, where there are more than fifty.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        # The driver's own reader, written in C; Django's puts the zone in, which here is always UTC.
        self.adapters.register_loader("timestamptz", TimestamptzLoader)

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        """Say a statement, for the first time or again."""
        query = numbered(query)
        try:
            return super().execute(query, params, prepare=True)
        except FORGOTTEN:
            if self.connection.info.transaction_status != TransactionStatus.IDLE:
                # Ends with the transaction, as does what was kept.
                raise
            # The table is not what it was when the statement was kept, or somebody between us had the server forget it.
            self.connection.execute("DEALLOCATE ALL")
            return super().execute(query, params, prepare=True)


@lru_cache(maxsize=KEPT)
def numbered(statement: str) -> str:
    """A statement with the places of its values as the server knows them."""
    numbers = count(1)
    return PLACE.sub(lambda place: "%" if place[0] == "%%" else f"${next(numbers)}", statement)


class Driver:
    """psycopg, but for the kind of its connections."""

    connect = Connection.connect

    def __getattr__(self, name: str) -> Any:
        return getattr(psycopg, name)


def options(given: dict[str, Any], **seconds: float) -> str:
    """The server's own timeouts as libpq sends them; what an address gives comes later, and so wins."""
    ours = " ".join(f"-c {name}={int(value * 1_000)}" for name, value in seconds.items())
    return f"{ours} {given.get('options', '')}".rstrip()
