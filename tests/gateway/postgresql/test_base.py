"""Connections that the server has ended are never handed to a request; repeated statements are like all others."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import pytest
from django.core.exceptions import SynchronousOnlyOperation
from django.db import (
    DatabaseError,
    DataError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    connection,
    connections,
    transaction,
)
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from gateway.access_log import Statements
from users import statements

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
    assert not connection.connection.hears()


def ask(statement: str, *values: Any) -> Any:
    return connection.repeat(statement, values)


def kept() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        return cursor.fetchone()[0]


def test_what_is_repeated_is_kept_by_the_server_and_nothing_else_is() -> None:
    before = kept()
    for _ in range(3):
        assert ask("SELECT %s::text", "kept") == ([("kept",)], 1)
    assert kept() == before + 1


def test_what_is_repeated_on_a_connection_that_the_server_ended_is_said_on_another() -> None:
    former = ask("SELECT pg_backend_pid()")
    connection.close_if_unusable_or_obsolete()
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", former[0][0])
        cursor.execute("SELECT pg_sleep(0.2)")
    other.close()
    assert ask("SELECT pg_backend_pid()") != former


def test_a_connection_that_is_lost_in_between_is_told_as_django_tells_it() -> None:
    ask("SELECT 1")
    with pytest.raises(OperationalError):
        ask("SELECT pg_terminate_backend(pg_backend_pid())")
    assert connection.errors_occurred
    connection.close_if_unusable_or_obsolete()
    assert ask("SELECT 1") == ([(1,)], 1)


@pytest.mark.parametrize("is_logged", [False, True])
def test_repeated_statements_are_counted_like_all_others(is_logged: bool) -> None:
    seen: list[Any] = []

    def hear(name: str) -> Callable[..., Any]:
        def hearing(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            seen.append((name, sql, tuple(params), many))
            return execute(sql, params, many, context)

        return hearing

    both = connection.execute_wrapper(hear("outer")), connection.execute_wrapper(hear("inner"))
    with CaptureQueriesContext(connection) if is_logged else nullcontext() as logged, both[0], both[1]:
        assert ask("SELECT %s::int", 1) == ([(1,)], 1)
    assert seen == [(name, "SELECT %s::int", (1,), False) for name in ("outer", "inner")]
    assert not is_logged or [each["sql"] for each in logged] == ["SELECT 1::int"]


@pytest.mark.parametrize("is_logged", [False, True])
def test_rows_and_their_number_are_the_same_whether_or_not_somebody_logs_them(is_logged: bool) -> None:
    with CaptureQueriesContext(connection) if is_logged else nullcontext():
        assert ask("SELECT n FROM generate_series(1, %s) n", 3) == ([(1,), (2,), (3,)], 3)
        assert ask("DELETE FROM users_user") == ([], 0)


def test_who_listens_and_lets_nothing_through_is_not_given_former_rows() -> None:
    assert statements.rows("SELECT 'theirs'", []) == [("theirs",)]
    with connection.execute_wrapper(lambda *_: None), pytest.raises(TypeError):
        statements.rows("SELECT 'theirs'", [])


def test_after_one_that_failed_a_request_says_no_other() -> None:
    passing = Statements()
    with connection.execute_wrapper(passing):
        ask("SELECT 1")
        with pytest.raises(OperationalError):
            ask("SELECT pg_terminate_backend(pg_backend_pid())")
        with pytest.raises(OperationalError, match="failed this request before"):
            ask("SELECT 1")
    assert passing.count == 2
    connection.close()


def test_in_a_broken_transaction_nothing_is_said() -> None:
    with pytest.raises(DataError), transaction.atomic():  # noqa: PT012
        with pytest.raises(DataError):
            statements.changed("UPDATE users_user SET id = (1 / %s)::text::uuid", [0])
        for say in (statements.rows, statements.changed):
            with pytest.raises(TransactionManagementError):
                say("SELECT 1", [])
        raise DataError
    assert statements.rows("SELECT 1", []) == [(1,)]


def test_a_lookup_that_fails_spoils_its_transaction_as_a_cursors_does() -> None:
    with pytest.raises(DataError), transaction.atomic():  # noqa: PT012
        with pytest.raises(DataError):
            statements.rows("SELECT 1 / %s", [0])
        assert not connection.needs_rollback
        with pytest.raises(InternalError):
            statements.rows("SELECT 1", [])
        raise DataError
    assert statements.rows("SELECT 1", []) == [(1,)]


def test_a_savepoint_saves_what_was_before_one_that_failed() -> None:
    with transaction.atomic():
        assert ask("SELECT 1") == ([(1,)], 1)
        with pytest.raises(DataError), transaction.atomic():
            ask("SELECT 1 / %s", 0)
        assert ask("SELECT 1") == ([(1,)], 1)


def in_thread(act: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(act).result()


def test_another_thread_may_not_use_a_connection_unless_it_is_shared() -> None:
    ours = connections["default"]
    ask("SELECT 1")
    with pytest.raises(DatabaseError, match="same thread"):
        in_thread(lambda: ours.repeat("SELECT 1", []))
    ours.inc_thread_sharing()
    try:
        assert in_thread(lambda: ours.repeat("SELECT 1", [])) == ([(1,)], 1)
    finally:
        ours.dec_thread_sharing()


def test_threads_that_share_a_connection_are_given_each_their_own() -> None:
    ours = connections["default"]

    def ask_often(own: int) -> None:
        for n in range(300):
            text, value = f"SELECT {n % 3}, %s::int FROM generate_series(1, {n % 2 + 1})", own * 1_000 + n
            assert ours.repeat(text, [value])[0] == [(n % 3, value)] * (n % 2 + 1)

    ask("SELECT 1")
    ours.inc_thread_sharing()
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(ask_often, range(4)))
    finally:
        ours.dec_thread_sharing()


def test_an_event_loop_is_not_made_to_wait() -> None:
    async def ask_here() -> Any:
        return ours.repeat("SELECT 1", [])

    ours = connections["default"]
    ask("SELECT 1")
    with pytest.raises(SynchronousOnlyOperation):
        asyncio.run(ask_here())


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
    def look() -> Any:
        return statements.rows("SELECT a FROM changing", [])

    assert look() == [(1,)]
    other.execute("ALTER TABLE changing ALTER a TYPE text")
    if is_inside:
        with pytest.raises(NotSupportedError), transaction.atomic():
            look()
        with transaction.atomic():
            assert look() == [("1",)]
    assert look() == look() == [("1",)]


@pytest.mark.parametrize("is_inside", [False, True])
def test_a_statement_that_the_server_was_made_to_forget_is_said_anew(is_inside: bool) -> None:
    assert statements.rows("SELECT 1", []) == [(1,)]
    # As a pooler does between two that it lends a connection to: the driver hears nothing of it.
    connection.connection.pgconn.exec_(b"DISCARD ALL")
    if is_inside:
        with pytest.raises(ProgrammingError), transaction.atomic():
            statements.rows("SELECT 1", [])
        with transaction.atomic():
            assert statements.rows("SELECT 1", []) == [(1,)]
    assert statements.rows("SELECT 1", []) == statements.rows("SELECT 1", []) == [(1,)]
