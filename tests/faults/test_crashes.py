"""Processes are killed or stopped while many clients send requests."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.api import PASSWORD
from tests.faults.conftest import Start
from tests.faults.engine import Engine, wait_for
from tests.faults.process import kill
from tests.faults.storm import SIGN_IN, Storm, call, told


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
    gateway = start(database, GATEWAY_SHUTDOWN_DELAY="2", GATEWAY_WORKERS="2")
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
def test_f04_reload_replaces_every_worker_and_keeps_every_fact(start: Start, database: str, workers: str) -> None:
    gateway = start(database, GATEWAY_WORKERS=workers)
    former = {*gateway.workers()}
    with Storm(gateway.origin).raging() as storm:
        storm.await_progress()
        os.kill(gateway.pid, signal.SIGHUP)
        wait_for(lambda: not former & {*gateway.workers()})
        storm.await_progress()
    # A reload without a proxy may break a connection. The client then repeats its request.
    storm.audit(gateway.origin)


def waiting(postgres: Engine) -> bool:
    """Whether somebody waits for a lock."""
    with postgres.connect("gateway") as connection:
        found = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone()
    return bool(found and found[0])
