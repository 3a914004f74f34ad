"""A primary PostgreSQL is lost under a storm of clients, and its standby takes its place."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.faults import engine
from tests.faults.conftest import Start
from tests.faults.engine import Engine, Machine, wait_for
from tests.faults.storm import Storm, call

GRACE = {"GATEWAY_REFRESH_GRACE": "60s"}
# Seconds from the loss of the primary until requests succeed again, the promotion included.
FAILOVER = 10


@contextmanager
def replicated(**options: Any) -> Iterator[tuple[Engine, Engine]]:
    """A primary with an empty database, and a standby that has each commit before its client is answered."""
    with engine.running(max_connections="60", **options) as primary:
        primary.create("gateway")
        with engine.running(primary=primary) as standby, primary.connect("postgres") as connection:
            wait_for(lambda: sync_states(primary) == ["async"])
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("SELECT pg_reload_conf()")
            wait_for(lambda: sync_states(primary) == ["sync"])
            yield primary, standby


@pytest.fixture
def pair() -> Iterator[tuple[Engine, Engine]]:
    """A primary and its standby."""
    if engine.LACKING:
        pytest.skip(engine.LACKING)
    with replicated() as servers:
        yield servers


@pytest.fixture
def machine() -> Iterator[Machine]:
    """Another machine, whose cable can be cut."""
    if engine.LACKING or os.getuid() != 0 or not shutil.which("ip"):
        pytest.skip(engine.LACKING or "this user may not make a network (run as root, apt-get install iproute2)")
    with Machine() as made:
        yield made


def sync_states(primary: Engine) -> list[str]:
    """Return how each standby confirms commits."""
    with primary.connect("postgres") as connection:
        rows = connection.execute("SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'").fetchall()
    return [state for (state,) in rows]


def url_of(*servers: Engine) -> str:
    """Return the address of the database on several servers."""
    hosts = ",".join(f"{server.host}:{server.port}" for server in servers)
    return f"postgres://postgres@{hosts}/gateway?target_session_attrs=read-write"


def test_a_promoted_standby_is_found_within_seconds_and_has_every_fact(
    start: Start, pair: tuple[Engine, Engine]
) -> None:
    primary, standby = pair
    survives(start, primary, standby, primary.kill)


def test_a_promoted_standby_is_found_when_the_machine_of_the_primary_is_silent(start: Start, machine: Machine) -> None:
    with replicated(machine=machine) as (primary, standby):
        survives(start, primary, standby, machine.cut)


def survives(start: Start, primary: Engine, standby: Engine, lose_primary: Callable[[], None]) -> None:
    """Lose the primary and promote the standby while clients send requests; check every acknowledged fact."""
    gateway = start(url_of(primary, standby), **GRACE)
    with Storm(gateway.origin).raging() as storm:
        storm.await_progress(20)
        began = time.monotonic()
        lose_primary()
        standby.promote()
        storm.await_progress(20)
        gateway.await_ready()
        took = time.monotonic() - began
    assert took < FAILOVER
    storm.audit(gateway.origin)


def test_a_silent_standby_delays_writes_but_loses_none(start: Start, pair: tuple[Engine, Engine]) -> None:
    primary, standby = pair
    gateway = start(url_of(standby, primary), **GRACE)
    with Storm(gateway.origin).raging() as storm:
        storm.await_progress(20)
        standby.freeze()
        storm.await_refusals(storm.people)
        assert call(gateway.origin, "/healthz")[0] == 200
        standby.thaw()
        storm.await_progress(20)
        gateway.await_ready()
    storm.audit(gateway.origin)
