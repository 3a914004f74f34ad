"""A connection that gives up a server which has fallen silent."""

import time
from collections.abc import Generator
from contextlib import nullcontext
from typing import Any

import psycopg
import pytest
from django.db import connection
from psycopg.waiting import Wait

from gateway.postgresql import connections

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="speaks of PostgreSQL alone")


def silence() -> Generator[Wait, Any, None]:
    while True:
        yield Wait.R


@pytest.mark.django_db(transaction=True)
def test_f06_a_silent_server_is_given_up_and_its_connection_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    connection.ensure_connection()
    wire: Any = connection.connection
    assert isinstance(wire, connections.Connection)
    monkeypatch.setattr(wire, "silence", 0.3)
    start = time.monotonic()
    with pytest.raises(psycopg.OperationalError, match="silent"):
        wire.wait(silence())
    assert 0.2 < time.monotonic() - start < 2
    assert wire.closed
    connection.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("near", "stood"), [(0, ["aside"]), (60_000, [])])
def test_a_server_that_is_far_away_is_waited_for_aside(
    monkeypatch: pytest.MonkeyPatch, near: int, stood: list[str]
) -> None:
    connection.ensure_connection()
    wire: Any = connection.connection
    wire.repeating.execute("SELECT pg_sleep(%s)", [0.0])
    told: list[str] = []
    monkeypatch.setattr(connections, "NEAR", near)
    monkeypatch.setattr(connections, "aside", lambda: nullcontext(told.append("aside")))
    wire.repeating.execute("SELECT pg_sleep(%s)", [0.05])
    assert told == stood


def test_what_an_address_gives_stands_later_and_so_wins() -> None:
    assert connections.options({"options": "-c a=1"}, lock_timeout=2) == "-c lock_timeout=2000 -c a=1"
    assert connections.options({}, lock_timeout=0.5) == "-c lock_timeout=500"
