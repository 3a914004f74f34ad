"""`manage.py serve`: runs the gateway in granian, a mail worker and the metrics server."""

import logging
import multiprocessing
import os
import signal
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
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

from gateway import argon2_build
from gateway.http import health
from gateway.mail_worker import MailWorker
from gateway.observability import metrics_server
from users.sessions import key_ring

# Seconds that a stopping worker has to finish its requests. The slowest request takes less.
STOP_TIMEOUT = 15
# Milliseconds and bytes that a client has for the head of a request.
HEADER_TIMEOUT = 10_000
MAX_HEADERS_SIZE = 32 * 1024
# A worker has fewer threads than this beside those for requests: for hashes, the database pool, logs and granian.
OTHER_THREADS = 32

log = logging.getLogger("gateway.server")


class Command(BaseCommand):
    """Serves the gateway on one port."""

    help = "Serve the gateway. --migrate applies the migrations first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument("--host", default=settings.HOST)
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument("--workers", type=int, default=settings.GATEWAY_WORKERS)
        parser.add_argument("--threads", type=int, default=settings.GATEWAY_THREADS)
        parser.add_argument("--migrate", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until a signal stops the process."""
        host, port = options["host"], options["port"]
        # The options replace settings, so the checks must see them.
        settings.HOST, settings.PORT, settings.GATEWAY_THREADS = host, port, options["threads"]
        self.check(tags=[Tags.security])
        require_free_port(host, port)
        if settings.GATEWAY_METRICS_PORT:
            require_free_port(settings.GATEWAY_METRICS_HOST, settings.GATEWAY_METRICS_PORT, "GATEWAY_METRICS_PORT=9101")
        argon2_build.check_processor()
        if options["migrate"]:
            call_command("migrate", verbosity=0)
        create_signing_keys()
        # The workers use the database from here on, this process does not.
        connections.close_all()
        self._print_addresses(host, port)
        with TemporaryDirectory(prefix="gateway-") as folder:
            self._serve(Path(folder), options)

    def _serve(self, folder: Path, options: dict[str, Any]) -> None:
        # A spawned worker is a fresh interpreter: it inherits the environment, but no connection, thread or lock.
        multiprocessing.set_start_method("spawn")
        # glibc reads this when a worker starts. In an arena that threads share, the 19 MiB of a hash leave gaps.
        os.environ.setdefault("MALLOC_ARENA_MAX", str(options["threads"] + OTHER_THREADS))
        os.environ["GATEWAY_THREADS"] = str(options["threads"])
        os.environ[health.STOPPING_FILE] = str(folder / "stopping")
        if settings.GATEWAY_METRICS_PORT:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
            metrics_server.start(settings.GATEWAY_METRICS_HOST, settings.GATEWAY_METRICS_PORT)
        server = Granian(
            "gateway.server:app",
            address=options["host"],
            port=options["port"],
            interface=Interfaces.RSGI,
            workers=options["workers"],
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT, max_buffer_size=MAX_HEADERS_SIZE),
            websockets=False,
            # Granian's log records go to the handlers of Django's LOGGING.
            log_dictconfig={"loggers": {"_granian": {"handlers": [], "propagate": True}}},
            respawn_failed_workers=True,
            workers_kill_timeout=STOP_TIMEOUT,
        )
        server.on_startup(lambda: delay_shutdown(settings.GATEWAY_SHUTDOWN_DELAY))
        with MailWorker() if settings.GATEWAY_MAIL_WORKER else nullcontext():
            server.serve()

    def _print_addresses(self, host: str, port: int) -> None:
        hostname = "localhost" if host in {"127.0.0.1", "0.0.0.0", "::"} else host  # noqa: S104
        origin = f"http://{hostname}:{port}"
        self.stdout.write(f"GraphQL   {origin}/graphql")
        if settings.GATEWAY_EXPLORER:
            self.stdout.write(f"GraphiQL  {origin}/graphql in a browser")
        if settings.GATEWAY_ADMIN:
            debug = "DJANGO_DEBUG=1 " if settings.DEBUG else ""
            manage = f"./{os.path.relpath(settings.BASE_DIR / 'manage.py')}"
            self.stdout.write(f"Admin     {origin}/admin/ (create an account: {debug}{manage} createsuperuser)")
        self.stdout.flush()


def delay_shutdown(seconds: int) -> None:
    """At SIGTERM, make /readyz answer 503, then wait before granian stops. A second SIGTERM ends the wait."""
    stop: Any = signal.getsignal(signal.SIGTERM)

    def begin_shutdown(number: int, frame: Any) -> None:
        health.mark_stopping()
        signal.signal(signal.SIGTERM, stop)
        if seconds:
            signal.signal(signal.SIGALRM, stop)
            signal.alarm(seconds)
        else:
            stop(number, frame)

    signal.signal(signal.SIGTERM, begin_shutdown)


def create_signing_keys() -> None:
    """Create the signing keys if there are none. Raise CommandError if they cannot be opened."""
    try:
        key_ring.get()
    except ImproperlyConfigured as error:
        raise CommandError(str(error)) from None
    except DatabaseError:
        # Requests are refused until the database answers.
        log.warning("cannot read the signing keys: the database does not answer")


def require_free_port(host: str, port: int, example: str = "PORT=8001") -> None:
    """Raise CommandError if another process listens on the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As the server does: a connection that has just ended does not make a port busy.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"Port {port} is not free ({error.strerror}). Choose another port, for example {example}."
            ) from None
        except OverflowError:
            raise CommandError(f"Port {port} does not exist. Choose a port from 1 to 65535.") from None
