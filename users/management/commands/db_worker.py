"""`manage.py db_worker`: sends queued emails, and retries or gives up failed ones."""

import logging
import os
import signal
import threading
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import close_old_connections, connections
from django_tasks_db.management.commands.db_worker import Command as Worker

from users import throttle
from users.mail import outbox

# Seconds between two retries of failed emails, and before the database is asked again after an error.
PAUSE = 2
# Seconds that the row of a sent email is kept.
PRUNE_INTERVAL = 60
log = logging.getLogger("gateway.mail")


class Command(Worker):
    """The worker of django-tasks-db. It continues after a failed email or a database error."""

    help = "Send queued emails until a signal stops the process. --batch sends what is due and exits."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the library's options and --parent-pid."""
        super().add_arguments(parser)
        parser.set_defaults(startup_delay=False)
        parser.add_argument("--parent-pid", type=int, default=0, help="exit when this process, the parent, exits")

    def configure_logging(self, verbosity: int) -> None:
        """Silence the library: this command logs failures itself, without a traceback for every retry."""
        logging.getLogger("django_tasks").setLevel(logging.CRITICAL)
        logging.getLogger("django_tasks_db").setLevel(logging.ERROR)

    def handle(self, *, batch: bool, parent_pid: int = 0, **options: Any) -> None:  # type: ignore[override]
        """Send emails until a signal stops the process."""
        # A reload would interrupt an email that is being sent.
        options["reload"] = False
        if batch:
            outbox.retry_failed()
            return super().handle(batch=batch, **options)
        threading.Thread(target=retry_failed, args=[parent_pid], daemon=True).start()
        while True:
            try:
                return super().handle(batch=batch, **options)
            except CommandError:
                raise
            except Exception as failure:
                # Usually the database, or a row that no email can be built from. The message may hold secrets.
                log.warning("cannot send mail, retry in %s s: %s", PAUSE, type(failure).__name__)
                connections.close_all()
                if is_stopping():
                    return None
                time.sleep(PAUSE)


def is_stopping() -> bool:
    """Return whether a signal told the library's worker to stop, which failed before it could."""
    worker = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return worker is not None and not worker.running


def retry_failed(parent_pid: int) -> None:
    """Retry failed emails and delete old rows, until the parent process exits."""
    pruned_at = time.monotonic()
    while not parent_pid or os.getppid() == parent_pid:
        try:
            close_old_connections()
            outbox.retry_failed()
            if time.monotonic() > pruned_at + PRUNE_INTERVAL:
                # The row of a sent email tells who received it.
                outbox.prune()
                # The time of an expired count tells that an address was asked for.
                throttle.prune()
                pruned_at = time.monotonic()
        except Exception as failure:
            log.warning("cannot retry failed mail: %s", type(failure).__name__)
            connections.close_all()
        time.sleep(PAUSE)
    os.kill(os.getpid(), signal.SIGTERM)
