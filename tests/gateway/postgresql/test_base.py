"""Connections that the server has ended are never handed to a request."""

import pytest
from django.db import connection, connections

from gateway.postgresql.base import is_hung_up

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL's pool"),
]


def pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def test_a_connection_that_the_server_ended_is_replaced_unnoticed() -> None:
    former = pid()
    connection.close()
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s", [former])
        cursor.execute("SELECT pg_sleep(0.2)")
    other.close()
    assert pid() != former


def test_a_live_connection_is_not_taken_for_an_ended_one() -> None:
    assert pid()
    assert not is_hung_up(connection.connection)
