"""PostgreSQL whose lasting connections are checked, and whose statements are repeated, at little cost.

1. A server that has gone, or has ended a connection, has said so already: there is something to read where nothing
   was asked. To see that takes a system call of a few microseconds; Django's own check is a statement there and
   back, before every request. A network that fell silent shows in neither, but in the statement that follows.
2. A statement that comes again is kept by the server, read and planned.
"""

import select
from typing import Any

from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper

from gateway.postgresql.connections import Driver

# So often must a statement come that nobody asked to keep.
NEVER = 2**62


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, but for the check and the repeated statements."""

    Database = Driver()  # type: ignore[assignment]

    def get_connection_params(self) -> dict[str, Any]:
        """What a connection is opened with."""
        return super().get_connection_params() | {"prepare_threshold": NEVER}

    def is_usable(self) -> bool:
        """Whether the server has not hung up."""
        return not self.connection.closed and not is_hung_up(self.connection)

    def repeating_cursor(self) -> CursorWrapper:
        """The connection's one cursor for statements that are kept; what it found is read before it is used again."""
        if self.queries_logged:
            # Whoever reads them wants to see their values in them.
            return self.cursor()
        self.close_if_health_check_failed()
        self.ensure_connection()
        return CursorWrapper(self.connection.repeating, self)


def is_hung_up(connection: Any) -> bool:
    """Whether an idle connection has something to say: its end, nearly always."""
    listening = select.poll()
    listening.register(connection.fileno(), select.POLLIN)
    return bool(listening.poll(0))
