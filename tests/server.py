"""Real gateways on ports of their own, for tests that speak HTTP from outside."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 30


@contextmanager
def serving(folder: Path, port: int, settings: dict[str, str]) -> Iterator[str]:
    """A gateway on a port, with a database of its own and no setting but the given."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    own = {
        "GATEWAY_ENV_FILE": os.devnull,
        "DATABASE_URL": f"sqlite:///{folder / f'{port}.sqlite3'}",
        "SECRET_KEY": "a key of the tests that is long enough for anybody to be content",
    }
    command = [sys.executable, "manage.py", "serve", "--migrate", "--port", str(port)]
    with (
        (folder / f"{port}.log").open("wb") as log,
        subprocess.Popen(command, cwd=ROOT, env={**inherited, **own, **settings}, stdout=log, stderr=log) as server,
    ):
        try:
            yield f"http://localhost:{port}"
        finally:
            server.terminate()


def await_answer(origin: str, folder: Path) -> None:
    """Wait until a gateway answers; show its log where it does not."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urlopen(f"{origin}/graphql?query={{__typename}}"):
                return
        except URLError:
            log = (folder / f"{origin.rpartition(':')[2]}.log").read_text()
            assert time.monotonic() < deadline, f"{origin} does not answer\n{log}"
            time.sleep(0.1)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
