"""Connections that the server has ended are never handed to a request."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from django.db import NotSupportedError, ProgrammingError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from gateway.postgresql.base import is_hung_up

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="speaks of PostgreSQL alone"),
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


def kept() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        return cursor.fetchone()[0]


def test_what_is_repeated_is_kept_by_the_server_and_nothing_else_is() -> None:
    before = kept()
    for _ in range(3):
        cursor = connection.repeating_cursor()
        cursor.execute("SELECT %s::text", ["kept"])
        assert cursor.fetchall() == [("kept",)]
    assert kept() == before + 1


@pytest.mark.parametrize("is_logged", [False, True])
def test_repeated_statements_are_counted_like_all_others(is_logged: bool) -> None:
    seen: list[str] = []

    def hear(execute: Any, sql: str, *more: Any) -> Any:
        seen.append(sql)
        return execute(sql, *more)

    connection.ensure_connection()
    with connection.execute_wrapper(hear), CaptureQueriesContext(connection) if is_logged else nullcontext() as logged:
        connection.repeating_cursor().execute("SELECT 1", [])
    assert seen == ["SELECT 1"]
    assert not is_logged or [each["sql"] for each in logged] == ["SELECT 1"]


@pytest.fixture
def other() -> Iterator[Any]:
    """Another connection's cursor."""
    another = connections.create_connection("default")
    with another.cursor() as cursor:
        cursor.execute("CREATE TABLE changing AS SELECT 1 AS a")
        yield cursor
        cursor.execute("DROP TABLE changing")
    another.close()


@pytest.mark.parametrize("is_inside", [False, True])
def test_f19_a_statement_that_was_kept_before_its_table_changed_still_serves(other: Any, is_inside: bool) -> None:
    def ask() -> Any:
        cursor = connection.repeating_cursor()
        cursor.execute("SELECT a FROM changing", [])
        return cursor.fetchall()

    assert ask() == [(1,)]
    other.execute("ALTER TABLE changing ALTER a TYPE text")
    if is_inside:
        with pytest.raises(NotSupportedError), transaction.atomic():
            ask()
    assert ask() == ask() == [("1",)]


@pytest.mark.parametrize("is_inside", [False, True])
def test_a_statement_that_the_server_was_made_to_forget_is_said_anew(is_inside: bool) -> None:
    def ask() -> Any:
        cursor = connection.repeating_cursor()
        cursor.execute("SELECT 1", [])
        return cursor.fetchall()

    assert ask() == [(1,)]
    # As a pooler does between two that it lends a connection to: the driver hears nothing of it.
    connection.connection.pgconn.exec_(b"DISCARD ALL")
    if is_inside:
        with pytest.raises(ProgrammingError), transaction.atomic():
            ask()
    assert ask() == ask() == [(1,)]
