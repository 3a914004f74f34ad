"""The mail worker runs as long as the server runs."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gateway import mail_worker
from tests.server import ROOT, free_ports, gateway_environment, running_gateway, wait_until_ready
from tests.waiting import wait_until


def find_workers(pid: int) -> list[int]:
    """Return the process ids of the mail workers that a process has started."""
    found = subprocess.run(["pgrep", "-f", f"db_worker --parent-pid={pid}$"], capture_output=True, text=True)
    return [int(each) for each in found.stdout.split()]


SERVER = """
import time, django
django.setup()
from gateway.mail_worker import MailWorker
with MailWorker():
    time.sleep(60)
"""


@pytest.fixture
def server(tmp_path: Path) -> subprocess.Popen[bytes]:
    environment = gateway_environment(
        {"DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}", "DJANGO_SETTINGS_MODULE": "gateway.settings"}
    )
    with subprocess.Popen([sys.executable, "-c", SERVER], cwd=ROOT, env=environment) as process:
        yield process
        process.kill()


@pytest.mark.services
def test_worker_is_restarted_after_it_exits(server: subprocess.Popen[bytes]) -> None:
    wait_until(lambda: len(find_workers(server.pid)) == 1)
    (first,) = find_workers(server.pid)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: bool({*find_workers(server.pid)} - {first}))


@pytest.mark.services
def test_worker_exits_after_its_server_was_killed(server: subprocess.Popen[bytes]) -> None:
    wait_until(lambda: len(find_workers(server.pid)) == 1)
    server.kill()
    wait_until(lambda: not find_workers(server.pid))


@pytest.mark.services
@pytest.mark.parametrize(("switch", "workers"), [("on", 1), ("off", 0)])
def test_worker_runs_if_the_setting_is_on_and_exits_with_the_server(tmp_path: Path, switch: str, workers: int) -> None:
    (port,) = free_ports(1)
    with running_gateway(tmp_path, port, {"GATEWAY_MAIL_WORKER": switch}) as origin:
        wait_until_ready(origin, tmp_path)
        found = subprocess.run(["pgrep", "-f", f"serve --migrate --port {port}$"], capture_output=True, text=True)
        (server,) = (int(each) for each in found.stdout.split())
        wait_until(lambda: len(find_workers(server)) == workers)
    wait_until(lambda: not find_workers(server))


def test_worker_that_starts_while_the_server_exits_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    begun = threading.Event()
    worker = mail_worker.MailWorker()

    def start() -> None:
        if started:
            begun.set()
            assert worker.stopping.wait(20)
        # The first process exits at once, so a second one starts.
        seconds = "60" if started else "0"
        worker.process = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({seconds})"])
        started.append(worker.process)

    monkeypatch.setattr(mail_worker, "RESTART_DELAY", 0.01)
    monkeypatch.setattr(worker, "_start", start)
    with worker:
        assert begun.wait(20)
    assert len(started) == 2
    assert started[1].returncode == -signal.SIGTERM
