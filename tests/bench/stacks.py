"""The stacks that are measured side by side, each a real server with one worker and a database of its own."""

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
from tests.server import ROOT, await_answer, free_ports, surroundings

POSTGRES = os.environ.get("BENCH_POSTGRES", "postgres://postgres@127.0.0.1")
WORKERS_CPU_CLOCK = 2
# As many as the gateway has where it may use one core.
THREADS = "81"
# As many lanes as by default, and so as many rows to count in, with room for everyone.
WIDE = {
    "GATEWAY_LIMIT_SIGN_IN_HERE": "900000 in 5 minutes, 900000 in 1 hour, 900000 in 6 hours",
    "GATEWAY_LIMIT_SIGN_IN_ELSEWHERE": "900000 in 5 minutes, 900000 in 1 day",
    "GATEWAY_LIMIT_SIGN_IN_ADDRESS": "900000 in 5 minutes",
    "GATEWAY_LIMIT_SIGN_IN_TOTAL_ACCOUNT": "900000 in 1 minute",
    "GATEWAY_LIMIT_SIGN_IN_TOTAL_CLIENT": "900000 in 1 minute",
    "GATEWAY_LIMIT_REGISTER": "900000 in 1 minute",
}


@dataclass(frozen=True)
class Stack:
    """One stack: its settings, how it is migrated and how it is served."""

    name: str
    settings: dict[str, str]
    migrate: list[str]
    serve: list[str]


@dataclass(frozen=True)
class Running:
    """A stack that answers, and the process that does its work."""

    stack: Stack
    port: int
    worker: int
    clock: Path

    def cpu(self) -> float:
        """Seconds of CPU that the worker has taken: all its threads, to the nanosecond."""
        return time.clock_gettime((~self.worker << 3) | WORKERS_CPU_CLOCK)

    def hashing(self) -> tuple[int, float]:
        """How many hashes the worker has made, and the seconds of CPU that they took."""
        return hashers.read(self.clock)

    def memory(self, what: str = "Pss") -> float:
        """MiB of the worker: its proportional share of memory, or what is resident."""
        for line in Path(f"/proc/{self.worker}/smaps_rollup").read_text().splitlines():
            if line.startswith(f"{what}:"):
                return int(line.split()[1]) / 1_024
        raise LookupError(what)


def gateway(name: str = "gateway", *, hasher: str = "Clocked") -> Stack:
    """The gateway as in production: ES256, and sessions looked at on every request."""
    given = {
        "DJANGO_DEBUG": "0",
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "DATABASE_URL": database(f"bench_{name}"),
        "DJANGO_SETTINGS_MODULE": "tests.bench.settings",
        "BENCH_HASHER": hasher,
        # Longer than the bench takes.
        "GATEWAY_ACCESS_LIFETIME": "15m",
        **WIDE,
    }
    return Stack(name, given, ["manage.py", "migrate"], ["manage.py", "serve"])


def stock(name: str, *, connections: str) -> Stack:
    """The stock project, with a new connection for each request or with lasting ones."""
    url = urlsplit(POSTGRES)
    parts = {"USER": url.username, "PASSWORD": url.password, "HOST": url.hostname, "PORT": url.port}
    given = {f"STOCK_{key}": str(value) for key, value in parts.items() if value}
    given |= {"STOCK_DATABASE": f"bench_{name}", "STOCK_CONNECTIONS": connections}
    given["DJANGO_SETTINGS_MODULE"] = "tests.bench.stock.settings"
    return Stack(name, given, ["-m", "django", "migrate"], granian("tests.bench.stock.wsgi"))


def granian(module: str) -> list[str]:
    """The gateway's own server for another application, with as many threads."""
    return ["-m", "granian", "--interface", "wsgi", "--blocking-threads", THREADS, f"{module}:application"]


EMPTY = Stack("empty", {}, [], granian("tests.bench.stock.empty"))


def all_three() -> list[Stack]:
    """The gateway, the stock project, and the stock project with lasting connections."""
    return [gateway(), stock("stock", connections="new"), stock("tuned", connections="keep")]


def database(name: str) -> str:
    """The address of a database on the server that benches use."""
    return urlunsplit(urlsplit(POSTGRES)._replace(path=f"/{name}"))


def make_database(name: str) -> None:
    """An empty database of this name, whatever was there."""
    with psycopg.connect(database("postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')


def prepare(stack: Stack) -> None:
    """Make and migrate the database of a stack."""
    if stack.migrate:
        make_database(f"bench_{stack.name}")
        command = [sys.executable, *stack.migrate, "--verbosity", "0"]
        subprocess.run(command, cwd=ROOT, env=surroundings(stack.settings), check=True)


@contextmanager
def running(stack: Stack, folder: Path) -> Iterator[Running]:
    """A stack that answers on a port of its own, on the cores of whoever starts it."""
    (port,) = free_ports(1)
    command = [sys.executable, *stack.serve, "--port", str(port), "--workers", "1"]
    clock = folder / f"{port}.clock"
    hashers.reset(clock)
    environment = surroundings({**stack.settings, hashers.CLOCK: str(clock)})
    with (
        (folder / f"{port}.log").open("wb") as log,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log) as server,
    ):
        try:
            await_answer(f"http://localhost:{port}", folder)
            yield Running(stack, port, _worker_of(server.pid), clock)
        finally:
            server.terminate()


def _worker_of(pid: int) -> int:
    children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    # The process that keeps shared memory tidy is a child as well, and a small one.
    return max(children, key=lambda each: int(Path(f"/proc/{each}/statm").read_text().split()[1]))
