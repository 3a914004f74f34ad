"""`manage.py db_worker`: sends what is queued, and tends what failed."""

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

from users import mail, throttle

# Seconds between two looks at what failed, and before the database is asked again once it was gone.
PAUSE = 2
# Seconds that the row of a letter stays after the letter was sent.
TIDY = 60
log = logging.getLogger("gateway.mail")


class Command(Worker):
    """The library's worker, which goes on where a letter fails, another worker dies, or the database is away."""

    help = "Send queued mail, and go on until told to stop; --batch sends what is due, and ends."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What the library lets one choose, but for a reload, which would stop in the middle of a letter."""
        super().add_arguments(parser)
        _withhold(parser, "reload")
        parser.set_defaults(reload=False, startup_delay=False)
        parser.add_argument("--beside", type=int, default=0, metavar="PID", help="end with the process of this number")

    def configure_logging(self, verbosity: int) -> None:
        """Leave it to the settings: we say ourselves what was not sent, without the trace of every try."""
        logging.getLogger("django_tasks").setLevel(logging.CRITICAL)
        logging.getLogger("django_tasks_db").setLevel(logging.ERROR)

    def handle(self, *, batch: bool, beside: int = 0, **options: Any) -> None:  # type: ignore[override]
        """Send until a signal says stop."""
        if batch:
            mail.tend()
            return super().handle(batch=batch, **options)
        threading.Thread(target=tend, args=[beside], daemon=True).start()
        while True:
            try:
                return super().handle(batch=batch, **options)
            except CommandError:
                raise
            except Exception as failure:
                # The database mostly, in the words of any driver; or a row that no letter can be made of.
                log.warning("mail waits: %s", type(failure).__name__)
                connections.close_all()
                if is_told_to_stop():
                    return None
                time.sleep(PAUSE)


def is_told_to_stop() -> bool:
    """Whether a signal came while the library's worker, which is gone now, had a letter in hand."""
    worker = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return worker is not None and not worker.running


def tend(beside: int) -> None:
    """Look after what failed, again and again, until the process is gone that this one is beside."""
    pruned_at = time.monotonic()
    while not beside or os.getppid() == beside:
        try:
            close_old_connections()
            mail.tend()
            if time.monotonic() > pruned_at + TIDY:
                # A letter that was sent is nobody's business any more, nor whom it was sent to.
                mail.prune()
                # Rows of counts that are over would tell by time that an address was asked for before.
                throttle.prune()
                pruned_at = time.monotonic()
        except Exception as failure:
            log.warning("what failed is not looked after: %s", type(failure).__name__)
            connections.close_all()
        time.sleep(PAUSE)
    os.kill(os.getpid(), signal.SIGTERM)


def _withhold(parser: ArgumentParser, option: str) -> None:
    # argparse has no public way to take an option back.
    for action in [each for each in parser._actions if each.dest == option]:
        parser._handle_conflict_resolve(action, [(name, action) for name in action.option_strings])
