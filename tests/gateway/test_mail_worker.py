"""The mail worker beside the server: there as long as the server is, and no longer."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway import beside
from tests.server import ROOT, await_answer, free_ports, serving, surroundings


def workers_beside(pid: int) -> list[int]:
    """The live workers that were started beside a process."""
    found = subprocess.run(["pgrep", "-f", f"db_worker --beside={pid}$"], capture_output=True, text=True)
    return [int(each) for each in found.stdout.split()]


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether something comes to hold before patience is over."""
    deadline = time.monotonic() + 20
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()


KEEPER = "import time, django; django.setup(); from gateway.beside import MailWorker\nwith MailWorker(): time.sleep(60)"


@pytest.fixture
def server(tmp_path: Path) -> subprocess.Popen[bytes]:
    environment = surroundings(
        {"DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}", "DJANGO_SETTINGS_MODULE": "gateway.settings"}
    )
    with subprocess.Popen([sys.executable, "-c", KEEPER], cwd=ROOT, env=environment) as process:
        yield process
        process.kill()


def test_a_worker_that_dies_is_started_again(server: subprocess.Popen[bytes]) -> None:
    assert eventually(lambda: len(workers_beside(server.pid)) == 1)
    (first,) = workers_beside(server.pid)
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: bool(workers_beside(server.pid)) and workers_beside(server.pid) != [first])


def test_a_worker_ends_itself_where_its_server_was_killed(server: subprocess.Popen[bytes]) -> None:
    assert eventually(lambda: len(workers_beside(server.pid)) == 1)
    server.kill()
    assert eventually(lambda: not workers_beside(server.pid))


@pytest.mark.parametrize(("switch", "workers"), [("on", 1), ("off", 0)])
def test_the_worker_is_there_by_setting_and_ends_with_the_server(tmp_path: Path, switch: str, workers: int) -> None:
    (port,) = free_ports(1)
    with serving(tmp_path, port, {"GATEWAY_MAIL_WORKER": switch}) as origin:
        await_answer(origin, tmp_path)
        found = subprocess.run(["pgrep", "-f", f"serve --migrate --port {port}$"], capture_output=True, text=True)
        (server, *_) = sorted(int(each) for each in found.stdout.split())
        assert eventually(lambda: len(workers_beside(server)) == workers)
    assert eventually(lambda: not workers_beside(server))


def test_a_worker_that_is_being_started_when_the_server_ends_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    begun = threading.Event()
    worker = beside.MailWorker()

    def start() -> None:
        if started:
            begun.set()
            assert worker.is_over.wait(20)
        # The first ends at once, and so is started again.
        seconds = "60" if started else "0"
        worker.process = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({seconds})"])
        started.append(worker.process)

    monkeypatch.setattr(beside, "PAUSE", 0.01)
    monkeypatch.setattr(worker, "_start", start)
    with worker:
        assert begun.wait(20)
    assert len(started) == 2
    assert started[1].returncode == -signal.SIGTERM
