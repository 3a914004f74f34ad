"""Processes that are killed or told to stop, while a storm of clients asks."""

import os
import signal
import socket
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.api import PASSWORD
from tests.faults.conftest import Start
from tests.faults.engine import Engine, wait_for
from tests.faults.process import kill
from tests.faults.storm import PATIENCE, SIGN_IN, Storm, call, told


@pytest.fixture(params=["sqlite", "postgres"])
def somewhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database, of either kind."""
    return f"sqlite:///{tmp_path / 'db.sqlite3'}" if request.param == "sqlite" else request.getfixturevalue("database")


def test_f01_a_killed_worker_takes_nothing_acknowledged_with_it_and_is_replaced(start: Start, somewhere: str) -> None:
    gateway = start(somewhere, GATEWAY_WORKERS="2")
    before = gateway.workers()
    with Storm(gateway.origin).raging() as storm:
        storm.await_progress()
        kill(before[0])
        storm.await_progress()
        wait_for(lambda: len(gateway.workers()) == 2 and before[0] not in gateway.workers())
        storm.await_progress()
    storm.audit(gateway.origin)


def test_f02_a_killed_server_goes_on_where_it_was(start: Start, somewhere: str) -> None:
    gateway = start(somewhere)
    with Storm(gateway.origin).raging() as storm:
        storm.await_progress()
        gateway.kill()
        gateway.start()
        gateway.await_ready()
        storm.await_progress()
    storm.audit(gateway.origin)


def test_f03_a_server_that_is_told_to_stop_loses_no_call(start: Start, database: str) -> None:
    gateway = start(database, GATEWAY_STOP_NOTICE="2", GATEWAY_WORKERS="2")
    assert gateway.process
    with Storm(gateway.origin).raging() as storm:
        storm.await_progress()
        gateway.process.send_signal(signal.SIGTERM)
        # What a load balancer does: it asks, and sends no more.
        wait_for(lambda: call(gateway.origin, "/readyz")[0] == 503)
        storm.await_progress(10)
        storm.may_ask.clear()
        assert gateway.process.wait(30) == 0
        assert storm.lost() == 0, storm.told
        gateway.start()
        gateway.await_ready()
    storm.audit(gateway.origin)


def test_f03_a_call_that_is_under_way_is_finished(start: Start, postgres: Engine, database: str) -> None:
    gateway = start(database)
    with Storm(gateway.origin, people=1).raging() as storm:
        storm.await_progress(5)
    answers: list[object] = []
    name = next(iter(storm.facts.accounts))
    asking = threading.Thread(target=lambda: answers.append(told(gateway.origin, SIGN_IN, n=name, p=PASSWORD)))
    with postgres.connect("gateway") as other, other.transaction():
        other.execute("LOCK TABLE users_session")
        asking.start()
        wait_for(lambda: waiting(postgres))
        assert gateway.process
        gateway.process.send_signal(signal.SIGTERM)
        time.sleep(0.7)
    asking.join(20)
    assert gateway.process.wait(30) == 0
    assert "errors" not in answers[0]  # type: ignore[operator]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_f04_a_reload_replaces_every_worker_and_loses_no_call(start: Start, database: str, workers: str) -> None:
    gateway = start(database, GATEWAY_WORKERS=workers)
    former = {*gateway.workers()}
    with Storm(gateway.origin).raging() as storm:
        storm.await_progress()
        os.kill(gateway.pid, signal.SIGHUP)
        wait_for(lambda: not former & {*gateway.workers()})
        storm.await_progress()
    assert storm.lost() == 0, storm.told
    storm.audit(gateway.origin)


def test_f04_who_has_connected_and_not_asked_yet_is_answered_by_a_worker_that_leaves(
    start: Start, tmp_path: Path
) -> None:
    gateway = start(f"sqlite:///{tmp_path / 'db.sqlite3'}", GATEWAY_WORKERS="1")
    (worker,) = gateway.workers()
    with ExitStack() as opened:
        asking, *kept, silent = [opened.enter_context(connect(gateway.port)) for _ in range(20)]
        assert not any(is_last(each) for each in kept)
        os.kill(worker, signal.SIGTERM)
        wait_for(lambda: is_last(asking), every=0.01)
        assert all(is_last(each) for each in [*kept, silent])


def test_f04_who_waits_for_a_worker_that_dies_is_answered_by_its_successor(start: Start, tmp_path: Path) -> None:
    gateway = start(f"sqlite:///{tmp_path / 'db.sqlite3'}", GATEWAY_WORKERS="1")
    (worker,) = gateway.workers()
    os.kill(worker, signal.SIGSTOP)
    wait_for(lambda: Path(f"/proc/{worker}/stat").read_text().split()[2] == "T")
    with connect(gateway.port) as waiting:
        waiting.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        kill(worker)
        assert waiting.recv(4_096).startswith(b"HTTP/1.1 200 ")


def connect(port: int) -> socket.socket:
    """A connection on which nothing was asked."""
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def is_last(connection: socket.socket) -> bool:
    """Whether an answer says that it is the last on its connection."""
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer = connection.recv(4_096)
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    return b"connection: close" in answer


def waiting(postgres: Engine) -> bool:
    """Whether somebody waits for a lock."""
    with postgres.connect("gateway") as connection:
        found = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone()
    return bool(found and found[0])
