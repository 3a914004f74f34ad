"""`manage.py migrate`: Django's own, one process at a time, each statement for as long as it needs."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import connections

from gateway import databases

# Who waits finds nothing left to do; who waits for longer than this has found something that hangs.
PATIENCE = 600.0
PAUSE = 0.2
# Any number, if it is always the same one.
LOCK = 0x6D_69_67_72_61_74_65


class Command(migrate.Command):
    """Brings the database up to date; a long statement is not cut off, as a request's would be."""

    def add_arguments(self, parser: CommandParser) -> None:
        """What Django lets one choose, and how long to wait for another process."""
        super().add_arguments(parser)
        parser.add_argument("--patience", type=float, default=PATIENCE, metavar="SECONDS", help="to wait for others")

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, however long it takes, and after whoever began before."""
        with unhurried(options["database"]), alone(options["database"], options.get("patience", PATIENCE)):
            super().handle(*args, **options)


@contextmanager
def unhurried(alias: str) -> Iterator[None]:
    """Within, the timeouts of requests do not hold."""
    connection = connections[alias]
    bounded = connection.settings_dict
    if connection.vendor == "sqlite":
        yield
        return
    connection.close()
    connection.settings_dict = databases.without_timeouts(bounded)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = bounded


@contextmanager
def alone(alias: str, patience: float) -> Iterator[None]:
    """Within, no other process migrates the same database; a lock that goes with the process, however it ends."""
    with ExitStack() as held:
        take = _folder(alias, held) if connections[alias].vendor == "sqlite" else _session(alias, held)
        deadline = time.monotonic() + patience
        while not take():
            if time.monotonic() >= deadline:
                raise CommandError(
                    f"Another process has been migrating this database for {patience:g} seconds, and still is."
                )
            time.sleep(PAUSE)
        yield


def _session(alias: str, held: ExitStack) -> Callable[[], bool]:
    connection = connections[alias]
    # PostgreSQL's locks are a database's own, MySQL's the server's.
    taking, leaving, key = {
        "postgresql": ("SELECT pg_try_advisory_lock(%s)", "SELECT pg_advisory_unlock(%s)", str(LOCK)),
        "mysql": ("SELECT GET_LOCK(%s, 0)", "SELECT RELEASE_LOCK(%s)", f"migrate {connection.settings_dict['NAME']}"),
    }[connection.vendor]
    cursor = held.enter_context(connection.cursor())

    def take() -> bool:
        cursor.execute(taking, [key[:64]])
        is_ours = bool(cursor.fetchone()[0])
        if is_ours:
            held.callback(cursor.execute, leaving, [key[:64]])
        return is_ours

    return take


def _folder(alias: str, held: ExitStack) -> Callable[[], bool]:
    name = str(connections[alias].settings_dict["NAME"])
    if ":memory:" in name or "mode=memory" in name:
        return lambda: True
    # The file itself may be locked by whoever reads it.
    folder = os.open(Path(name).resolve().parent, os.O_RDONLY)
    held.callback(os.close, folder)

    def take() -> bool:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    return take
