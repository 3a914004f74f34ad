"""Statements that come again: the server keeps them, read and planned, and they are said without a cursor.

The driver's cursor does for each statement what need be done once: it looks for the places of values, makes a reader
for the columns, books what is prepared; and Django puts its own around it. Here the driver's parts that are written in
C are used alone: a SELECT of 32 columns takes 0.65 of the CPU that it took by the cursors, and less than twice that of
sending and receiving it. They are the driver's lower level: another version of it may need another hand here, and
nowhere else.

No caller may ever be given rows that another one asked for. So a statement is said and read under one lock, and what
broke off between the two ends the connection.
"""

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import count
from typing import Any

from psycopg import abc, errors, generators
from psycopg.adapt import AdaptersMap, PyFormat, Transformer
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.types.datetime import TimestamptzLoader

# Rows, and how many were found or changed.
Answer = tuple[list[tuple[Any, ...]], int]

# Says a server that cannot repeat what it kept; nothing was done.
FORGOTTEN = (errors.FeatureNotSupported, errors.InvalidSqlStatementName)
# More than there are statements that come again, each once for every set of types that its values have.
MOST = 100
PLACE = re.compile("%[s%]")

ACTIVE, IDLE = TransactionStatus.ACTIVE, TransactionStatus.IDLE
COMMAND_OK, FATAL_ERROR = ExecStatus.COMMAND_OK, ExecStatus.FATAL_ERROR
WELL = (ExecStatus.TUPLES_OK, COMMAND_OK)
COPYING = (ExecStatus.COPY_IN, ExecStatus.COPY_OUT, ExecStatus.COPY_BOTH)


class Kept:
    """A statement that the server keeps for values of certain types; it reads what that finds."""

    __slots__ = ("is_ready", "name", "reader")

    def __init__(self, name: bytes, reader: abc.Transformer) -> None:
        self.name, self.reader, self.is_ready = name, reader, False

    def read(self, result: PGresult) -> Answer:
        """What a result says."""
        if result.status == COMMAND_OK:
            return [], result.command_tuples or 0
        # What the columns hold does not change for as long as the server repeats a statement.
        self.reader.set_pgresult(result, set_loaders=not self.is_ready)
        self.is_ready = True
        try:
            found = result.ntuples
            return self.reader.load_rows(0, found, tuple), found
        finally:
            self.reader.set_pgresult(None, set_loaders=False)


class Repeating:
    """What the server of a connection keeps, for as long as the connection lasts; a rollback takes none of it away."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.adapters = AdaptersMap(connection.adapters)
        # The driver's own reader, written in C; Django's puts the zone in, which here is always UTC.
        self.adapters.register_loader("timestamptz", TimestamptzLoader)
        self._writer = Transformer(self)
        self._kept: dict[tuple[str, tuple[int, ...]], Kept] = {}
        self._numbers = count(1)

    def execute(self, statement: str, values: Sequence[Any]) -> Answer:
        """Say a statement, for the first time or again."""
        if len(self._kept) > MOST:
            self._forget()
        try:
            return self._said(statement, values)
        except FORGOTTEN:
            # The table is not what it was when the statement was kept, or somebody between us had the server forget it.
            if self.connection.pgconn.transaction_status != IDLE:
                # The transaction is lost. Kept anew by the next one, under other names.
                self._kept.clear()
                raise
            self._forget()
            return self._said(statement, values)

    def _forget(self) -> None:
        self._kept.clear()
        self.connection.execute("DEALLOCATE ALL")

    def _said(self, statement: str, values: Sequence[Any]) -> Answer:
        connection, writer, wire = self.connection, self._writer, self.connection.pgconn
        with connection.lock:
            try:
                if not connection.autocommit:
                    # Says BEGIN where that is still to be said.
                    connection.wait(connection._start_query())
                given = writer.dump_sequence(values, [PyFormat.AUTO] * len(values))
                # By the driver's types, as it does itself: what was kept for a small number takes no large one.
                types = writer.types or ()
                kept = self._kept.get((statement, types)) or self._prepared(statement, types)
                wire.send_query_prepared(kept.name, given, param_formats=writer.formats)
                return kept.read(self._answered())
            finally:
                if wire.transaction_status == ACTIVE:
                    # Broken off: whoever came next would wait for, or be given, the answer to this one. The server may
                    # carry on with it.
                    wire.finish()

    def _prepared(self, statement: str, types: tuple[int, ...]) -> Kept:
        # Named after what it is: whoever lends connections, by no name is another statement ever said.
        digest = sha256(repr((statement, types)).encode()).hexdigest()[:32]
        name = f"kept_{next(self._numbers)}_{digest}".encode()
        self.connection.pgconn.send_prepare(name, numbered(statement).encode(), param_types=types)
        self._answered()
        kept = self._kept[statement, types] = Kept(name, Transformer(self))
        return kept

    def _answered(self) -> PGresult:
        results: list[PGresult] = []
        lost: errors.OperationalError | None = None
        try:
            results.extend(self._results())
        except errors.OperationalError as error:
            lost = error
        for result in results:
            if result.status == FATAL_ERROR:
                # Also where the server has hung up since: it says why before it does.
                raise errors.error_from_result(result)
        if lost:
            raise lost
        if len(results) == 1 and results[0].status in WELL:
            return results[0]
        raise errors.InternalError("the server gave a statement no answer of its own")

    def _results(self) -> Iterator[PGresult]:
        # The driver's own way has the GIL let go and taken back more often, and so the threads take turns more often:
        # with 16 clients `me` takes 0.01 ms more of CPU.
        connection, wire = self.connection, self.connection.pgconn
        if wire.flush():
            # Longer than what can be sent at once.
            yield from connection.wait(generators.execute(wire))
            return
        result: PGresult | None = None
        # What is copied has no end of its own here: the connection ends with it.
        while not (result and result.status in COPYING):
            while wire.is_busy():
                connection.listen()
            result = wire.get_result()
            if result is None:
                return
            yield result


def numbered(statement: str) -> str:
    """A statement with the places of its values as the server knows them."""
    numbers = count(1)
    return PLACE.sub(lambda place: "%" if place[0] == "%%" else f"${next(numbers)}", statement)
