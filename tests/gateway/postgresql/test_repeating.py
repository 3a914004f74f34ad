"""Statements that the server keeps: they find what a cursor finds, and nobody is given what another one asked for."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from ipaddress import ip_address
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection, transaction
from psycopg.pq import TransactionStatus
from psycopg.types.json import Jsonb

from gateway.postgresql import repeating

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="speaks of PostgreSQL alone"),
]
MOMENT = datetime(2026, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC)


@pytest.fixture
def wire() -> Iterator[Any]:
    """A connection of our own kind."""
    connection.ensure_connection()
    yield connection.connection
    connection.close()


def found(wire: Any, statement: str, *values: Any) -> list[Any]:
    return wire.repeating.execute(statement, values)[0]


def kept(wire: Any) -> list[str]:
    return [name for (name,) in wire.execute("SELECT name FROM pg_prepared_statements ORDER BY prepare_time")]


@pytest.mark.parametrize(
    ("statement", "known"),
    [
        ("SELECT 1", "SELECT 1"),
        ("SELECT %s, %s", "SELECT $1, $2"),
        ("SELECT 'a%%' || %s, '%%s', 5 %% %s", "SELECT 'a%' || $1, '%s', 5 % $2"),
    ],
)
def test_values_have_numbered_places(statement: str, known: str) -> None:
    assert repeating.numbered(statement) == known


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uuid", UUID("00000000-0000-4000-8000-00000000000a")),
        ("text", "é \u2028 ' \" \\ %s $1 \n"),
        ("text", ""),
        ("text", "x" * 100_000),
        ("boolean", False),
        ("integer", -1),
        ("integer", 2**31 - 1),
        ("bigint", -(2**62)),
        ("numeric", 2**70),
        ("numeric", Decimal("1.50")),
        ("double precision", 0.1),
        ("bytea", b"\x00\xff"),
        ("date", date(2024, 2, 29)),
        ("timestamptz", MOMENT),
        ("timestamptz", MOMENT.astimezone(timezone(timedelta(hours=-9, minutes=-30)))),
        ("timestamptz", datetime.min.replace(tzinfo=UTC)),
        ("interval", timedelta(days=-1, microseconds=1)),
        ("text[]", ["a", None, "{}"]),
        ("uuid", None),
        ("timestamptz", None),
        ("text", None),
    ],
)
def test_values_come_and_go_as_they_do_by_a_cursor(wire: Any, kind: str, value: Any) -> None:
    statement = f"SELECT %s::{kind}, %s::{kind} IS NULL"
    for _ in range(2):
        assert found(wire, statement, value, value) == [(value, value is None)]
    with connection.cursor() as cursor:
        cursor.execute(statement, [value, value])
        row = cursor.fetchone()
    assert found(wire, statement, value, value) == [row]
    assert repr(found(wire, statement, value, value)) == repr([row])


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [("jsonb", Jsonb({"a": [1, None]}), '{"a": [1, null]}'), ("inet", ip_address("2001:db8::1"), "2001:db8::1")],
)
def test_what_django_reads_itself_comes_as_it_expects_it(wire: Any, kind: str, value: Any, text: str) -> None:
    for _ in range(2):
        assert found(wire, f"SELECT %s::{kind}", value) == [(text,)]


def test_one_statement_takes_values_of_any_size_and_none_one_after_another(wire: Any) -> None:
    for value in (1, 2**40, None, 2**20, 1, None):
        assert found(wire, "SELECT %s::bigint", value) == [(value,)]
    # By the types of its values: small, large, none, middling.
    assert len(kept(wire)) == 4


def test_no_rows_one_and_many(wire: Any) -> None:
    for count in (3, 0, 1, 0, 2_000):
        statement = "SELECT n::int, 'a' FROM generate_series(1, %s::int) n"
        assert wire.repeating.execute(statement, [count]) == ([(n + 1, "a") for n in range(count)], count)
    # Read once, they are held no longer.
    assert {each.reader.pgresult for each in wire.repeating._kept.values()} == {None}


def test_rows_that_are_changed_are_counted_and_give_none(wire: Any) -> None:
    wire.execute("CREATE TEMPORARY TABLE counted (a int)")
    for count in (3, 0):
        say = wire.repeating.execute
        assert say("INSERT INTO counted SELECT generate_series(1, %s::int)", [count]) == ([], count)
        assert say("WITH gone AS (DELETE FROM counted RETURNING a) SELECT a FROM gone", [])[1] == count


def test_a_value_that_cannot_be_sent_is_refused_and_the_next_is_not(wire: Any) -> None:
    for _ in range(2):
        with pytest.raises(psycopg.DataError):
            found(wire, "SELECT %s::text", "\x00")
        assert found(wire, "SELECT %s::text", "well") == [("well",)]


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("SELECT 1 / %s::int", psycopg.errors.DivisionByZero),
        ("SELECT nothing, %s::int", psycopg.errors.UndefinedColumn),
        ("SELECT %s::int 2", psycopg.errors.SyntaxError),
        ("COPY (SELECT 1) TO STDOUT", psycopg.Error),
        ("", psycopg.InternalError),
    ],
)
def test_after_a_statement_that_failed_the_next_finds_its_own(wire: Any, statement: str, error: Any) -> None:
    found(wire, "SELECT %s::int", 1)
    for _ in range(2):
        with pytest.raises(error):
            found(wire, statement, *[0] * statement.count("%s"))
        if wire.closed:
            # What is neither rows nor an end has to end with the connection.
            assert "COPY" in statement
            break
        assert found(wire, "SELECT %s::int", 2) == [(2,)]


class Stop(Exception):
    """Somebody who cannot wait."""


@contextmanager
def alarm(error: type[BaseException], seconds: float = 0.2) -> Iterator[None]:
    def ring(*_: Any) -> None:
        raise error

    former = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


@pytest.mark.parametrize("error", [KeyboardInterrupt, Stop])
@pytest.mark.parametrize("is_inside", [False, True])
def test_whoever_comes_after_one_that_was_broken_off_is_not_given_its_rows(
    wire: Any, error: type[BaseException], is_inside: bool
) -> None:
    theirs = "SELECT 'theirs' FROM pg_sleep(%s)"
    assert found(wire, theirs, 0) == [("theirs",)]
    if is_inside:
        wire.autocommit = False
    with alarm(error), pytest.raises(error):
        found(wire, theirs, 0.6)
    assert wire.closed
    with pytest.raises(psycopg.OperationalError):
        found(wire, "SELECT 'mine'")


@pytest.mark.parametrize("at", range(4))
def test_wherever_one_is_broken_off_its_answer_is_nobody_elses(
    wire: Any, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    waits = []

    def breaking(wait: Callable[..., Any]) -> Callable[..., Any]:
        def act(*given: Any, **options: Any) -> Any:
            waits.append(wait)
            if len(waits) == at + 1:
                raise Stop
            return wait(*given, **options)

        return act

    wire.autocommit = False
    with monkeypatch.context() as patch, pytest.raises(Stop):  # noqa: PT012
        # The waits for BEGIN, for the statement to be kept, and for what it finds; and, at last, none.
        for name in ("wait", "listen"):
            patch.setattr(wire, name, breaking(getattr(wire, name)))
        found(wire, "SELECT 'theirs'")
        raise Stop
    # One more where what it finds comes in pieces.
    assert len(waits) in (at + 1, 3)
    if wire.closed:
        return
    assert wire.info.transaction_status in (TransactionStatus.IDLE, TransactionStatus.INTRANS)
    assert found(wire, "SELECT 'mine'") == [("mine",)]


def test_what_was_sent_and_never_awaited_is_given_to_nobody(wire: Any) -> None:
    # As an interrupt leaves it at the very worst moment.
    assert found(wire, "SELECT 'theirs'") == [("theirs",)]
    wire.pgconn.send_query_prepared(kept(wire)[0].encode(), [])
    with pytest.raises(psycopg.OperationalError, match="already in progress"):
        found(wire, "SELECT 'mine'")
    assert wire.closed


def test_rows_that_could_not_be_read_are_gone(wire: Any) -> None:
    class Careless(repeating.TimestamptzLoader):
        def load(self, data: Any) -> Any:
            raise Stop

    assert found(wire, "SELECT 1, 'theirs'") == [(1, "theirs")]
    wire.repeating.adapters.register_loader("timestamptz", Careless)
    with pytest.raises(Stop):
        found(wire, "SELECT now(), 'theirs'")
    assert found(wire, "SELECT 1, 'theirs' WHERE false") == []
    assert found(wire, "SELECT 1, 'mine'") == [(1, "mine")]


def test_f06_a_statement_that_is_never_answered_closes_the_connection(wire: Any) -> None:
    wire.silence = 0.3
    with pytest.raises(psycopg.OperationalError, match="silent"):
        found(wire, "SELECT 'theirs' FROM pg_sleep(0.6)")
    assert wire.closed


def test_a_statement_on_a_closed_connection_fails_as_the_drivers_does(wire: Any) -> None:
    assert found(wire, "SELECT 1") == [(1,)]
    wire.close()
    with pytest.raises(psycopg.OperationalError):
        found(wire, "SELECT 1")


def test_a_statement_longer_than_what_can_be_sent_at_once_is_sent_whole(wire: Any) -> None:
    long = "é" * 10_000_000
    assert found(wire, "SELECT length(%s::text), %s::text", long, long) == [(len(long), long)]
    assert found(wire, "SELECT 'mine'") == [("mine",)]


def test_where_the_server_hangs_up_it_is_told_why(wire: Any) -> None:
    found(wire, "SELECT 1")
    wire.execute("SET idle_in_transaction_session_timeout = 100")
    wire.autocommit = False
    found(wire, "SELECT 2")
    time.sleep(0.3)
    with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
        found(wire, "SELECT 1")
    assert wire.closed


def test_a_server_that_hangs_up_in_the_midst_has_answered_nothing(wire: Any) -> None:
    found(wire, "SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        found(wire, "SELECT pg_terminate_backend(pg_backend_pid())")
    assert wire.closed


def test_a_transaction_begins_with_its_first_statement_and_takes_it_back(wire: Any) -> None:
    wire.execute("CREATE TEMPORARY TABLE taken (a int)")
    wire.autocommit = False
    found(wire, "INSERT INTO taken VALUES (%s)", 1)
    assert wire.info.transaction_status == TransactionStatus.INTRANS
    assert found(wire, "SELECT a FROM taken") == [(1,)]
    wire.rollback()
    assert found(wire, "SELECT a FROM taken") == []


def test_a_rollback_takes_nothing_away_that_was_kept(wire: Any) -> None:
    assert found(wire, "SELECT 'before'") == [("before",)]
    wire.autocommit = False
    assert found(wire, "SELECT 'within'") == [("within",)]
    wire.rollback()
    before = kept(wire)
    assert len(before) == 2
    for _ in range(2):
        assert found(wire, "SELECT 'before'") + found(wire, "SELECT 'within'") == [("before",), ("within",)]
        wire.rollback()
    assert kept(wire) == before


def test_what_a_failed_transaction_could_not_keep_is_kept_later(wire: Any) -> None:
    wire.autocommit = False
    with pytest.raises(psycopg.errors.DivisionByZero):
        found(wire, "SELECT 1 / 0")
    for _ in range(2):
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            found(wire, "SELECT 'late'")
    wire.rollback()
    assert found(wire, "SELECT 'late'") == [("late",)]


@pytest.fixture
def changing(wire: Any) -> Callable[[], Any]:
    """Asks for all of a table."""
    wire.execute("CREATE TEMPORARY TABLE changing AS SELECT 1 AS a")
    return lambda: found(wire, "SELECT a FROM changing")


@pytest.mark.parametrize(
    "change", ["ALTER TABLE changing ALTER a TYPE text", "DEALLOCATE ALL", "DISCARD PLANS", "DISCARD SEQUENCES"]
)
def test_f19_one_transaction_at_most_is_lost_by_what_the_server_cannot_repeat(
    wire: Any, changing: Callable[[], Any], change: str
) -> None:
    other = ("SELECT %s::int", 7)
    assert changing() == [(1,)]
    assert found(wire, *other) == [(7,)]
    wire.pgconn.exec_(change.encode())
    expected = [("1",)] if "text" in change else [(1,)]
    wire.autocommit = False
    if "DISCARD" in change:
        assert changing() == expected
    else:
        with pytest.raises((psycopg.errors.FeatureNotSupported, psycopg.errors.InvalidSqlStatementName)):
            changing()
        wire.rollback()
    for _ in range(2):
        assert changing() == expected
        assert found(wire, *other) == [(7,)]
        wire.rollback()


@pytest.mark.parametrize("change", ["ALTER TABLE changing ALTER a TYPE text", "DEALLOCATE ALL"])
def test_outside_of_a_transaction_nothing_is_lost(wire: Any, changing: Callable[[], Any], change: str) -> None:
    assert changing() == [(1,)]
    wire.pgconn.exec_(change.encode())
    expected = [("1",)] if "text" in change else [(1,)]
    assert changing() == changing() == expected
    assert len(kept(wire)) == 1


def test_a_column_more_is_read_with_the_others(wire: Any) -> None:
    wire.execute("CREATE TEMPORARY TABLE wider AS SELECT 1 AS a")
    assert found(wire, "SELECT * FROM wider") == [(1,)]
    wire.execute("ALTER TABLE wider ADD b timestamptz DEFAULT '2026-01-01 00:00Z'")
    assert found(wire, "SELECT * FROM wider") == [(1, datetime(2026, 1, 1, tzinfo=UTC))]


@pytest.mark.parametrize("is_inside", [False, True])
def test_no_more_is_kept_than_is_good(wire: Any, monkeypatch: pytest.MonkeyPatch, is_inside: bool) -> None:
    monkeypatch.setattr(repeating, "MOST", 5)
    wire.autocommit = not is_inside
    for _ in range(2):
        for n in range(8):
            assert found(wire, f"SELECT {n}, %s::int", n) == [(n, n)]
            assert len(kept(wire)) <= 6
    assert len(wire.repeating._kept) <= 6
    wire.rollback()


def test_a_name_says_which_statement_it_is_and_is_none_of_the_drivers(wire: Any) -> None:
    # A pooler that knows nothing of names may put two of us on one connection.
    other = repeating.Repeating(wire)
    assert found(wire, "SELECT 'a'") == [("a",)]
    assert other.execute("SELECT 'b'", []) == ([("b",)], 1)
    with pytest.raises(psycopg.errors.DuplicatePreparedStatement):
        repeating.Repeating(wire).execute("SELECT 'a'", [])
    assert found(wire, "SELECT 'a'") == [("a",)]
    assert len({*kept(wire)}) == 2
    wire.prepare_threshold = 5
    assert psycopg.RawCursor(wire).execute("SELECT 'c'", prepare=True).fetchall() == [("c",)]
    assert [name for name in kept(wire) if name.startswith("_pg3_")]
    assert found(wire, "SELECT 'a'") == [("a",)]


def test_django_drops_nothing_behind_our_back(wire: Any) -> None:
    found(wire, "SELECT 1")
    with connection.cursor() as cursor:
        cursor.executemany("SELECT %s::int", [[1], [2]])
    with pytest.raises(Stop), transaction.atomic():
        raise Stop
    connection.set_autocommit(False)
    assert found(wire, "SELECT 1") == [(1,)]
    connection.rollback()
    assert found(wire, "SELECT 1") == [(1,)]
    connection.rollback()
    connection.set_autocommit(True)
    assert len([name for name in kept(wire) if name.startswith("kept_")]) == 1


IN_PYTHON = """
import json
import sys
from datetime import UTC, datetime
from uuid import UUID

import psycopg

from gateway.postgresql.connections import Connection

assert psycopg.pq.__impl__ == "python"
wire = Connection.connect(**json.loads(sys.argv[1]), autocommit=True)
say = wire.repeating.execute
now, id = datetime.now(UTC), UUID(int=5)
for value in (1, None, 2**40):
    for _ in range(2):
        given = [value, now, id, "a", None]
        row = (value, now, id, "a", None)
        sql = "SELECT %s::bigint, %s::timestamptz, %s::uuid, %s::text, %s::text"
        assert say(sql, given) == ([row], 1)
try:
    say("SELECT 1 / %s::int", [0])
except psycopg.errors.DivisionByZero:
    assert say("SELECT 'mine'", []) == ([("mine",)], 1)
assert say("CREATE TEMPORARY TABLE made (a int)", [])[0] == []
assert say("INSERT INTO made VALUES (1), (2)", []) == ([], 2)
wire.execute("DEALLOCATE ALL")
wire.autocommit = False
wire.rollback()
wire.autocommit = True
assert say("SELECT a FROM made", []) == ([(1,), (2,)], 2)
wire.silence = 0.3
try:
    say("SELECT pg_sleep(1)", [])
except psycopg.OperationalError as error:
    assert "silent" in str(error) and wire.closed
    print("well")
"""


def test_the_driver_may_be_written_in_python(wire: Any) -> None:
    in_python = {**os.environ, "PSYCOPG_IMPL": "python"}
    if subprocess.run([sys.executable, "-c", "import psycopg"], env=in_python, capture_output=True).returncode:
        pytest.skip("there is no libpq")
    where = {name: getattr(wire.info, name) for name in ("host", "port", "user", "password", "dbname")}
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IN_PYTHON, json.dumps(where)],
        env=in_python,
        capture_output=True,
        text=True,
    )
    assert said.stdout == "well\n", said.stderr
