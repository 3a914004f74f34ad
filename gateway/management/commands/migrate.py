"""`manage.py migrate`: Django's command, run by one process at a time and without the timeouts of requests."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import connections

from gateway.conf import database_url

LOCK_TIMEOUT = 600.0
POLL_INTERVAL = 0.2
# Any number, as long as it stays the same.
LOCK_ID = 0x6D_69_67_72_61_74_65
# To take the lock, to release it, and its name. PostgreSQL's locks belong to a database, MySQL's to the whole server.
LOCKS = {
    "postgresql": ("SELECT pg_try_advisory_lock(%s)", "SELECT pg_advisory_unlock(%s)", str(LOCK_ID)),
    "mysql": ("SELECT GET_LOCK(%s, 0)", "SELECT RELEASE_LOCK(%s)", "migrate {NAME}"),
}


class Command(migrate.Command):
    """Brings the database up to date."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add Django's arguments, and how long to wait for another process."""
        super().add_arguments(parser)
        parser.add_argument(
            "--lock-timeout",
            type=float,
            default=LOCK_TIMEOUT,
            metavar="SECONDS",
            help="How long to wait while another process migrates the same database.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, after any other process that does."""
        alias = options["database"]
        with without_timeouts(alias), exclusive_lock(alias, options.get("lock_timeout", LOCK_TIMEOUT)):
            super().handle(*args, **options)


@contextmanager
def without_timeouts(alias: str) -> Iterator[None]:
    """Connect without the timeouts that requests have: a migration may rewrite a large table."""
    connection = connections[alias]
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        yield
        return
    connection.close()
    connection.settings_dict = database_url.without_timeouts(settings)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = settings


@contextmanager
def exclusive_lock(alias: str, timeout: float) -> Iterator[None]:
    """Hold a lock of the database, which releases it if this process dies. SQLite has no such lock."""
    connection = connections[alias]
    if connection.vendor not in LOCKS:
        yield
        return
    take, release, name = LOCKS[connection.vendor]
    # MySQL allows 64 characters.
    parameters = [name.format(**connection.settings_dict)[:64]]
    deadline = time.monotonic() + timeout
    with connection.cursor() as cursor:
        cursor.execute(take, parameters)
        while not cursor.fetchone()[0]:
            if time.monotonic() >= deadline:
                raise CommandError(
                    f"Another process has been migrating this database for {timeout:g} seconds. "
                    "Wait until it ends, or stop it, and run the command again."
                )
            time.sleep(POLL_INTERVAL)
            cursor.execute(take, parameters)
        try:
            yield
        finally:
            cursor.execute(release, parameters)
