"""A database that goes away, hangs, is locked, full or crowded, while a storm of clients asks."""

import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg
import pytest

from tests.api import PASSWORD
from tests.faults import engine
from tests.faults.conftest import Start
from tests.faults.engine import Engine
from tests.faults.process import Gateway
from tests.faults.storm import ME, SIGN_IN, Storm, call, told

# The server answers within 5.5 seconds; the rest is for a busy machine.
WITHIN = 6
GRACE = {"GATEWAY_REFRESH_GRACE": "60s"}


@pytest.fixture
def gateway(start: Start, database: str) -> Gateway:
    """A gateway over a PostgreSQL that may be harmed."""
    return start(database, **GRACE)


def recovers(gateway: Gateway, storm: Storm, seconds: float = 5) -> None:
    """Whether all is well again within seconds."""
    began = time.monotonic()
    storm.await_progress(10)
    gateway.await_ready()
    assert time.monotonic() - began < seconds


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_f05_a_database_that_restarts_is_found_again(gateway: Gateway, postgres: Engine, mode: str) -> None:
    with Storm(gateway.origin).raging() as storm:
        storm.await_progress()
        postgres.stop(mode)
        storm.await_refusals(3)
        postgres.start()
        recovers(gateway, storm)
    storm.audit(gateway.origin)
    assert storm.slowest < WITHIN


def test_f05_the_first_calls_after_a_restart_of_the_database_succeed(gateway: Gateway, postgres: Engine) -> None:
    with Storm(gateway.origin, people=12).raging() as storm:
        storm.await_progress(80)
        token = a_token(storm, gateway)
    postgres.stop()
    postgres.start()
    for _ in range(3):
        assert told(gateway.origin, ME, token=token)["data"]["me"]["username"] in storm.facts.accounts


def test_f05_a_long_outage_does_not_make_the_gateway_slow_to_notice_its_end(gateway: Gateway, postgres: Engine) -> None:
    with Storm(gateway.origin).raging() as storm:
        storm.await_progress()
        postgres.stop()
        time.sleep(8)
        postgres.start()
        recovers(gateway, storm)
    storm.audit(gateway.origin)


def test_f06_a_frozen_database_is_told_within_seconds(gateway: Gateway, postgres: Engine) -> None:
    with Storm(gateway.origin).raging() as storm:
        storm.await_progress()
        postgres.freeze()
        storm.await_refusals(storm.people)
        began = time.monotonic()
        assert call(gateway.origin, "/healthz")[0] == 200
        assert time.monotonic() - began < 1
        assert call(gateway.origin, "/readyz")[0] == 503
        postgres.thaw()
        recovers(gateway, storm)
    storm.audit(gateway.origin)
    assert storm.slowest < WITHIN


def test_f07_a_locked_table_makes_no_call_wait_for_ever(gateway: Gateway, postgres: Engine) -> None:
    with Storm(gateway.origin).raging() as storm:
        storm.await_progress()
        with postgres.connect("gateway") as other, other.transaction():
            other.execute("LOCK TABLE users_session")
            storm.await_refusals(storm.people)
        recovers(gateway, storm)
    storm.audit(gateway.origin)
    assert storm.slowest < WITHIN


def test_f09_a_crowded_database_takes_its_clients_back_when_there_is_room(gateway: Gateway, postgres: Engine) -> None:
    with ExitStack() as others, Storm(gateway.origin, people=12).raging() as storm:
        storm.await_progress()
        crowd(postgres, others)
        storm.await_refusals(5)
        others.close()
        recovers(gateway, storm)
    storm.audit(gateway.origin)
    assert storm.slowest < WITHIN


def crowd(postgres: Engine, others: ExitStack) -> None:
    """Take every connection that there is, those of the gateway too."""
    first = others.enter_context(postgres.connect("postgres"))
    while first.execute(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'gateway'"
    ).fetchone() != (0,):
        with suppress(psycopg.OperationalError):
            while True:
                others.enter_context(postgres.connect("postgres"))


def test_f08_a_full_disk_under_sqlite_refuses_writes_answers_reads_and_is_over_with_it(
    start: Start, tmp_path: Path
) -> None:
    gateway = start(f"sqlite:///{tmp_path / 'db.sqlite3'}", **GRACE)
    with Storm(gateway.origin).raging() as storm:
        storm.await_progress()
        (worker,) = gateway.workers()
        _, most = resource.prlimit(worker, resource.RLIMIT_FSIZE)
        token = a_token(storm, gateway)
        # Not a byte more in any file, the log's included.
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (1, most))
        refused_but_readable(storm, gateway, token)
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (most, most))
        recovers(gateway, storm)
    storm.audit(gateway.origin)


def test_f08_a_full_disk_under_postgresql_refuses_writes_answers_reads_and_is_over_with_it(
    start: Start, small_disk: Path
) -> None:
    with engine.running(small_disk, max_wal_size="'8MB'", min_wal_size="'2MB'") as postgres:
        gateway = start(postgres.create("gateway"), **GRACE)
        with Storm(gateway.origin).raging() as storm:
            storm.await_progress()
            token = a_token(storm, gateway)
            with suppress(OSError), (small_disk / "ballast").open("wb", buffering=0) as ballast:
                while ballast.write(bytes(4_096)):
                    pass
            refused_but_readable(storm, gateway, token)
            (small_disk / "ballast").unlink()
            recovers(gateway, storm, 15)
        storm.audit(gateway.origin)


def a_token(storm: Storm, gateway: Gateway) -> str:
    """An access token of one of the storm's people."""
    name = next(iter(storm.facts.accounts))
    token: str = told(gateway.origin, SIGN_IN, n=name, p=PASSWORD)["data"]["tokenAuth"]["token"]
    return token


def refused_but_readable(storm: Storm, gateway: Gateway, token: str) -> None:
    """Whether what writes is refused while what reads is answered."""
    storm.await_refusals(20)
    assert told(gateway.origin, ME, token=token)["data"]["me"]["username"] in storm.facts.accounts


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of 80 megabytes."""
    place = Path(tempfile.mkdtemp(prefix="gateway-disk-"))
    command = ["mount", "-t", "tmpfs", "-o", "size=80m,mode=755", "tmpfs", str(place)]
    if os.getuid() != 0 or engine.LACKING or subprocess.run(command, capture_output=True).returncode:
        place.rmdir()
        pytest.skip(engine.LACKING or "this user may not mount a disk (run as root)")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)
    place.rmdir()
