"""PostgreSQL whose lasting connections are checked, and whose statements are repeated, at little cost.

1. A server that has gone, or has ended a connection, has said so already: there is something to read where nothing
   was asked. To see that takes a system call of a few microseconds; Django's own check is a statement there and
   back, before every request. A network that fell silent shows in neither, but in the statement that follows.
2. A statement that comes again is kept by the server, read and planned.
"""

from asyncio import _get_running_loop
from collections.abc import Callable, Sequence
from functools import partial
from threading import get_ident
from typing import Any

import psycopg
from django.apps import apps
from django.db.backends.postgresql import base

from gateway.postgresql.connections import Driver
from gateway.postgresql.repeating import Answer


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, but for the check and the repeated statements."""

    Database = Driver()  # type: ignore[assignment]
    health_check_done: bool
    _thread_ident: int

    def is_usable(self) -> bool:
        """Whether the server has not hung up."""
        # An idle one has nothing to say, but, nearly always, that it ends.
        return not self.connection.closed and not self.connection.hears()

    def repeat(self, sql: str, values: Sequence[Any]) -> Answer:
        """What a statement that comes again finds, and how many rows it found or changed.

        Django's checks are all made, but each is called only where it could have something to say: at its first
        statement a connection may turn out to be dead, and another thread may come with it.
        """
        if self.queries_logged or not apps.ready:
            return self._shown(sql, values)
        if self._thread_ident != get_ident():
            self.validate_thread_sharing()
        if not self.health_check_done:
            self.close_if_health_check_failed()
        if self.connection is None or _get_running_loop():
            self.ensure_connection()
        # Whoever counts statements, or refuses them, hears of this one.
        say: Callable[..., Answer] = self._say
        for wrapper in reversed(self.execute_wrappers):
            say = partial(wrapper, say)
        # What is found comes back through whoever listens: one that keeps it to itself fails, and finds nothing old.
        return say(sql, values, False, {"connection": self, "cursor": self.connection.repeating})

    def _say(self, sql: str, values: Sequence[Any], *_: Any) -> Answer:
        if self.needs_rollback:
            self.validate_no_broken_transaction()
        try:
            said: Answer = self.connection.repeating.execute(sql, values)
        except psycopg.Error:
            with self.wrap_database_errors:
                raise
        return said

    def _shown(self, sql: str, values: Sequence[Any]) -> Answer:
        # Whoever reads the log wants to see the values in it.
        with self.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else [], cursor.rowcount
