"""`python -m tests.bench.statements`: what one request says to the database, as JSON, for the stack of the environment.

Counted on the wire, by libpq's own trace of each connection: every statement is one, and so are BEGIN, COMMIT,
savepoints, and the empty statement by which a pool makes sure that a connection is alive.
"""

import json
import os
import sys
import tempfile
from typing import Any

from django.db.backends.postgresql.base import DatabaseWrapper

from tests.bench import straight
from tests.bench.asking import OPERATIONS, request

WARM_UP, TIMES = 5, 10
connects = 0


def main() -> None:
    """Print statements and new connections a request, for each operation."""
    with tempfile.TemporaryFile("w+") as trace:
        listen(trace.fileno())
        member = straight.join("straight")
        counted = {operation: count(request(operation, member), trace) for operation in OPERATIONS}
    json.dump(counted, sys.stdout)


def listen(file: int) -> None:
    """Have every connection write to a file what it says."""
    connect = DatabaseWrapper.get_new_connection

    def listening(self: DatabaseWrapper, parameters: dict[str, Any]) -> Any:
        global connects
        connection = connect(self, parameters)
        if not hasattr(connection, "is_heard"):
            connects += 1
            connection.is_heard = True
            connection.pgconn.trace(file)
        return connection

    DatabaseWrapper.get_new_connection = listening  # type: ignore[method-assign]


def count(asked: bytes, trace: Any) -> dict[str, float]:
    """Statements and new connections a request."""
    asked = straight.repeated(asked, WARM_UP)
    before, opened = os.fstat(trace.fileno()).st_size, connects
    straight.repeated(asked, TIMES)
    trace.seek(before)
    # A statement goes out whole (Query), or, with parameters, in parts that end in an Execute.
    sent = [line.split("\t")[1:] for line in trace.read().splitlines()]
    said = [parts[2] for parts in sent if parts[0] == "F" and parts[2] in {"Query", "Execute"}]
    return {"statements": len(said) / TIMES, "connects": (connects - opened) / TIMES}


if __name__ == "__main__":
    main()
