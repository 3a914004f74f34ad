"""Real gateways on ports of their own, for tests that speak HTTP from outside."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

from django.db import connection

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = 30
SECRET_KEY = "a key of the tests that is long enough for anybody to be content"


@contextmanager
def running_gateway(folder: Path, port: int, settings: dict[str, str]) -> Iterator[str]:
    """A gateway on a port, with a database of its own unless one is given, and no setting but the given."""
    command = [sys.executable, "manage.py", "serve", "--migrate", "--port", str(port)]
    environment = gateway_environment({"DATABASE_URL": f"sqlite:///{folder / f'{port}.sqlite3'}", **settings})
    with (
        (folder / f"{port}.log").open("wb") as log,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log) as server,
    ):
        try:
            yield f"http://localhost:{port}"
        finally:
            server.terminate()


def manage(settings: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the gateway's, in a process of its own."""
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=gateway_environment(settings), capture_output=True, text=True, timeout=TIMEOUT
    )


def gateway_environment(settings: dict[str, str]) -> dict[str, str]:
    """Return the environment of a process in development with only the given settings."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**inherited, "DJANGO_DEBUG": "1", "GATEWAY_ENV_FILE": os.devnull, "SECRET_KEY": SECRET_KEY, **settings}


def url_of_database(database: dict[str, Any]) -> str:
    """The address of a database that Django knows."""
    kind = database["ENGINE"].rpartition(".")[2]
    if kind == "sqlite3":
        return f"sqlite:///{database['NAME']}"
    scheme = {"postgresql": "postgres", "mysql": "mysql"}[kind]
    password = f":{quote(database['PASSWORD'], safe='')}" if database["PASSWORD"] else ""
    port = f":{database['PORT']}" if database["PORT"] else ""
    return f"{scheme}://{database['USER']}{password}@{database['HOST']}{port}/{database['NAME']}"


def hang_up() -> None:
    """End every connection to the database but this one."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return
        cursor.execute("SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()")
        for (id,) in cursor.fetchall():
            cursor.execute(f"KILL {id}")


def wait_until_ready(origin: str, folder: Path) -> None:
    """Wait until a gateway answers; show its log where it does not."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            with urlopen(f"{origin}/graphql?query={{__typename}}"):
                return
        except URLError:
            log = (folder / f"{origin.rpartition(':')[2]}.log").read_text()
            assert time.monotonic() < deadline, f"{origin} does not answer\n{log}"
            time.sleep(0.1)


def free_ports(count: int) -> list[int]:
    """Return unused ports."""
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
