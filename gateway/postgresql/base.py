"""Django's PostgreSQL backend, which after a restart of the server discards all pooled connections at once."""

import time
from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Checks each connection that it takes from the pool."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection that works."""
        start = time.monotonic()
        connection = super().get_new_connection(conn_params)
        if self.pool is None:
            return connection
        try:
            self.pool.check_connection(connection)
        except self.Database.Error:
            # The pool's own check discards one dead connection at a time, and pauses in between. With more than three
            # of them a request would time out.
            self.pool.putconn(connection)
            self.pool.drain()
            return self.pool.getconn(max(0, start + self.pool.timeout - time.monotonic()))
        return connection
