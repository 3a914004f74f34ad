"""`manage.py serve`: the gateway behind granian."""

import logging
import os
import socket
from argparse import ArgumentParser
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.checks import Tags
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections
from granian.constants import Interfaces

from gateway import health, scrapes
from gateway.beside import MailWorker
from gateway.server import Server
from users import keys

log = logging.getLogger("gateway.serve")

# Longer than the slowest call; what is not answered by then will not be.
DRAIN_SECONDS = 15


class Command(BaseCommand):
    """Serves the gateway on one port."""

    help = "Serve the gateway: --migrate brings the database up to date first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What can be chosen."""
        parser.add_argument("--host", default=settings.HOST)
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument("--workers", type=int, default=settings.GATEWAY_WORKERS)
        parser.add_argument("--threads", type=int, default=settings.GATEWAY_THREADS)
        parser.add_argument("--migrate", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until a signal says stop."""
        host, port = options["host"], options["port"]
        # The options replace settings, so the checks must see them.
        settings.HOST, settings.PORT, settings.GATEWAY_THREADS = host, port, options["threads"]
        self.check(tags=[Tags.security])
        refuse_busy(host, port)
        if settings.GATEWAY_METRICS_PORT:
            refuse_busy(settings.GATEWAY_METRICS_HOST, settings.GATEWAY_METRICS_PORT, "GATEWAY_METRICS_PORT=9101")
        if options["migrate"]:
            call_command("migrate", verbosity=0)
        open_ring()
        leave_the_database()
        self._announce(host, port)
        with TemporaryDirectory(prefix="gateway-") as folder:
            self._serve(Path(folder), options)

    def _serve(self, folder: Path, options: dict[str, Any]) -> None:
        # By the environment too, since workers are not always forked.
        os.environ[health.FOLDER] = str(folder)
        os.environ["GATEWAY_THREADS"] = str(options["threads"])
        settings.GATEWAY_THREADS = options["threads"]
        if settings.GATEWAY_METRICS_PORT:
            scrapes.share(folder / "metrics")
            scrapes.serve(settings.GATEWAY_METRICS_HOST, settings.GATEWAY_METRICS_PORT, folder / "metrics")
        server = Server(
            "gateway.rsgi:serve",
            address=options["host"],
            port=options["port"],
            interface=Interfaces.RSGI,
            workers=options["workers"],
            log_access=False,
            # Who asks for one is answered by HTTP.
            websockets=False,
            # Its lines go where all others go.
            log_dictconfig={"loggers": {"_granian": {"handlers": [], "propagate": True}}},
            respawn_failed_workers=True,
            workers_kill_timeout=DRAIN_SECONDS,
            folder=folder,
            notice=settings.GATEWAY_STOP_NOTICE,
        )
        with MailWorker() if settings.GATEWAY_MAIL_WORKER else nullcontext():
            server.serve()

    def _announce(self, host: str, port: int) -> None:
        shown = "localhost" if host in {"127.0.0.1", "0.0.0.0", "::"} else host  # noqa: S104
        origin = f"http://{shown}:{port}"
        self.stdout.write(f"GraphQL   {origin}/graphql")
        if settings.GATEWAY_EXPLORER:
            self.stdout.write(f"GraphiQL  {origin}/graphql in a browser")
        if settings.GATEWAY_ADMIN:
            debug = "DJANGO_DEBUG=1 " if settings.DEBUG else ""
            manage = f"./{os.path.relpath(settings.BASE_DIR / 'manage.py')}"
            self.stdout.write(f"Admin     {origin}/admin/ (create an account: {debug}{manage} createsuperuser)")
        self.stdout.flush()


def open_ring() -> None:
    """Make the signing keys where there are none, and say in one line that they cannot be opened."""
    try:
        keys.ring()
    except ImproperlyConfigured as error:
        raise CommandError(str(error)) from None
    except DatabaseError:
        # It may come back, and requests say so until then.
        log.warning("the database does not answer, so the signing keys are not known yet")


def leave_the_database() -> None:
    """Close what this process has opened: workers are forked from it, and two cannot share a connection."""
    keys.forget()
    for connection in connections.all(initialized_only=True):
        connection.close()


def refuse_busy(host: str, port: int, instead: str = "PORT=8001") -> None:
    """Say in one line that somebody else has the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As the server itself does: a connection that has just ended does not make a port busy.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(f"Port {port} is not free ({error.strerror}); choose another: {instead}.") from None
        except OverflowError:
            raise CommandError(f"Port {port} is none: they go from 1 to 65535.") from None
