"""The two projects that are compared, each served by one worker and with a database of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.bench import hashers
from tests.server import ROOT, free_ports, gateway_environment, wait_until_ready

POSTGRES = os.environ.get("BENCH_POSTGRES", "postgres://postgres@127.0.0.1")
CPU_CLOCK = 2
# As many as a worker of the gateway has.
THREADS = "81"
# The rate limits as they are, each with room for every request.
LIMITS = {
    "GATEWAY_LIMIT_SIGN_IN_HERE": "900000 in 5 minutes, 900000 in 1 hour, 900000 in 6 hours",
    "GATEWAY_LIMIT_SIGN_IN_ELSEWHERE": "900000 in 5 minutes, 900000 in 1 day",
    "GATEWAY_LIMIT_SIGN_IN_ADDRESS": "900000 in 5 minutes",
    "GATEWAY_LIMIT_SIGN_IN_TOTAL_ACCOUNT": "900000 in 1 minute",
    "GATEWAY_LIMIT_SIGN_IN_TOTAL_CLIENT": "900000 in 1 minute",
    "GATEWAY_LIMIT_REGISTER": "900000 in 1 minute",
}


@dataclass(frozen=True)
class Stack:
    """A project: its settings, and the commands that migrate and serve it."""

    name: str
    settings: dict[str, str]
    migrate: list[str]
    serve: list[str]


@dataclass(frozen=True)
class Server:
    """A project that is served, and its worker process."""

    stack: Stack
    port: int
    worker: int
    clock: Path

    @property
    def origin(self) -> str:
        """The server's origin."""
        return f"http://127.0.0.1:{self.port}"

    def cpu(self) -> float:
        """Return the seconds of CPU that all threads of the worker have taken."""
        # clock_getcpuclockid(3), which Python has for threads only.
        return time.clock_gettime((~self.worker << 3) | CPU_CLOCK)

    def hashing(self) -> tuple[int, float]:
        """Return the number of hashes, and the seconds of CPU that they took."""
        return hashers.read(self.clock)

    def rss(self) -> float:
        """Return the resident memory of the worker in MB (2^20 bytes)."""
        for line in Path(f"/proc/{self.worker}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1_024
        raise LookupError("VmRSS")


def gateway(name: str = "gateway") -> Stack:
    """Return the gateway with its production settings."""
    settings = {
        "DJANGO_DEBUG": "0",
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "DATABASE_URL": database(f"bench_{name}"),
        "DJANGO_SETTINGS_MODULE": "tests.bench.settings",
        # Longer than the measurement takes.
        "GATEWAY_ACCESS_LIFETIME": "15m",
        "GATEWAY_SHUTDOWN_DELAY": "0",
        # Its process would use CPU to fail to send mail.
        "GATEWAY_MAIL_WORKER": "off",
        **LIMITS,
    }
    return Stack(name, settings, ["manage.py", "migrate"], ["manage.py", "serve"])


def stock() -> Stack:
    """Return the stock project, which keeps its database connections."""
    url = urlsplit(POSTGRES)
    parts = {"USER": url.username, "PASSWORD": url.password, "HOST": url.hostname, "PORT": url.port}
    settings = {f"STOCK_{key}": str(value) for key, value in parts.items() if value}
    settings |= {"STOCK_DATABASE": "bench_stock", "DJANGO_SETTINGS_MODULE": "tests.bench.stock.settings"}
    serve = [
        "-m",
        "granian",
        "--interface",
        "wsgi",
        "--blocking-threads",
        THREADS,
        "tests.bench.stock.wsgi:application",
    ]
    return Stack("stock", settings, ["-m", "django", "migrate"], serve)


def database(name: str) -> str:
    """Return the URL of a database on the server that benchmarks use."""
    return urlunsplit(urlsplit(POSTGRES)._replace(path=f"/{name}"))


def prepare(stack: Stack) -> None:
    """Create the database of a project in place of a former one, and migrate it."""
    with psycopg.connect(database("postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "bench_{stack.name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "bench_{stack.name}"')
    command = [sys.executable, *stack.migrate, "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=gateway_environment(stack.settings), check=True)


@contextmanager
def served(stack: Stack, folder: Path, **settings: str) -> Iterator[Server]:
    """Serve a project on a port of its own, on the cores of the calling process."""
    (port,) = free_ports(1)
    command = [sys.executable, *stack.serve, "--port", str(port), "--workers", "1"]
    clock = folder / f"{port}.clock"
    hashers.reset(clock)
    environment = gateway_environment({**stack.settings, **settings, hashers.CLOCK: str(clock)})
    with (
        (folder / f"{port}.log").open("wb") as log,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log) as server,
    ):
        try:
            wait_until_ready(f"http://localhost:{port}", folder)
            yield Server(stack, port, _worker(server.pid), clock)
        finally:
            server.terminate()


def _worker(pid: int) -> int:
    # Another child is the resource tracker of multiprocessing, which has one thread.
    children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return max(children, key=lambda child: len(list(Path(f"/proc/{child}/task").iterdir())))
