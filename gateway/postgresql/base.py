"""PostgreSQL whose pooled connections are checked without a question to the server.

A server that has gone, or has ended a connection, has said so already: there is something to read where nothing
was asked. To see that takes a system call of a few microseconds; the pool's own check is a statement there and
back, before every request. A network that fell silent shows in neither, but in the statement that follows.
"""

import select
from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, but for the check."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection that the server has not hung up."""
        connection = super().get_new_connection(conn_params)
        while self.pool and is_hung_up(connection):
            # What comes back closed, the pool replaces; without a server it runs out of patience instead.
            connection.close()
            self.pool.putconn(connection)
            connection = super().get_new_connection(conn_params)
        return connection


def is_hung_up(connection: Any) -> bool:
    """Whether an idle connection has something to say: its end, nearly always."""
    listening = select.poll()
    listening.register(connection.fileno(), select.POLLIN)
    return bool(listening.poll(0))
