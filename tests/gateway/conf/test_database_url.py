"""Parsing of database URLs, and the timeouts of each engine."""

import time
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from gateway.conf.database_url import parse, without_timeouts
from gateway.postgresql.base import DatabaseWrapper
from tests.api import Api

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("url", "engine", "facts"),
    [
        ("sqlite:///db.sqlite3", "django.db.backends.sqlite3", {"NAME": str(ROOT / "db.sqlite3")}),
        ("sqlite:////var/lib/db.sqlite3", "django.db.backends.sqlite3", {"NAME": "/var/lib/db.sqlite3"}),
        ("sqlite://:memory:", "django.db.backends.sqlite3", {"NAME": ":memory:"}),
        (
            "postgres://user:p%40ss@db.example:5433/name",
            "gateway.postgresql",
            {"NAME": "name", "USER": "user", "PASSWORD": "p@ss", "HOST": "db.example", "PORT": 5433},
        ),
        ("postgresql://db.example/name", "gateway.postgresql", {"NAME": "name", "HOST": "db.example"}),
        (
            "mysql://root@127.0.0.1/name",
            "django.db.backends.mysql",
            {"NAME": "name", "USER": "root", "HOST": "127.0.0.1"},
        ),
        (
            "mariadb://root:x@db.example:3307/name",
            "django.db.backends.mysql",
            {"NAME": "name", "PASSWORD": "x", "PORT": 3307},
        ),
    ],
)
def test_url_selects_engine_and_database(url: str, engine: str, facts: dict[str, Any]) -> None:
    config = parse(url)
    assert config["ENGINE"] == engine
    assert {name: config[name] for name in facts} == facts


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "mysql", "mariadb"])
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("a+b", "a+b"),
        ("a%2Bb", "a+b"),
        ("a%40b", "a@b"),
        ("a%2Fb", "a/b"),
        ("a%3Ab", "a:b"),
        ("a%3Fb%23c", "a?b#c"),
        ("a%20b", "a b"),
        ("a%252Bb", "a%2Bb"),
    ],
)
def test_user_and_password_are_percent_decoded_and_a_plus_stays(scheme: str, written: str, meant: str) -> None:
    config = parse(f"{scheme}://{written}:{written}@db.example:5433/{written}")
    assert [config[name] for name in ("USER", "PASSWORD", "NAME")] == [meant] * 3
    assert (config["HOST"], config["PORT"]) == ("db.example", 5433)


def test_file_path_may_contain_a_plus() -> None:
    assert parse("sqlite:////srv/a+b/db.sqlite3")["NAME"] == "/srv/a+b/db.sqlite3"


def test_sqlite_writer_waits_for_another_writer() -> None:
    config = parse("sqlite:///db.sqlite3")
    assert config["OPTIONS"] == {
        "transaction_mode": "IMMEDIATE",
        "timeout": 10,
        "init_command": "PRAGMA journal_mode=WAL",
    }
    assert config["CONN_MAX_AGE"] is None


def test_f09_postgresql_connections_come_from_a_pool_of_limited_size() -> None:
    config = parse("postgres://u@h/n")
    assert config["OPTIONS"]["pool"]["max_size"] == 20
    given = parse("postgres://u@h/n?pool_size=7")["OPTIONS"]
    assert given["pool"]["max_size"] == 7
    assert "pool_size" not in given


def test_f05_mysql_connections_are_reused_and_checked_before_use() -> None:
    config = parse("mysql://u@h/n")
    assert config["CONN_MAX_AGE"] == 600
    assert config["CONN_HEALTH_CHECKS"] is True


def test_mysql_stores_all_characters() -> None:
    config = parse("mysql://u@h/n")
    assert config["OPTIONS"]["charset"] == config["TEST"]["CHARSET"] == "utf8mb4"
    assert config["OPTIONS"]["isolation_level"] == "read committed"


@pytest.mark.parametrize("url", ["postgres://u@h/n", "mysql://u@h/n"])
def test_f06_connecting_to_a_silent_server_times_out(url: str) -> None:
    assert parse(url)["OPTIONS"]["connect_timeout"] == 3


@pytest.mark.parametrize("url", ["postgres://u@h/n?sslmode=require", "mysql://u@h/n?connect_timeout=9"])
def test_url_may_contain_options(url: str) -> None:
    name, value = url.partition("?")[2].split("=")
    options = parse(url)["OPTIONS"]
    assert str(options[name]) == value
    assert len(options) > 1


@pytest.mark.parametrize(
    ("hosts", "host", "port"),
    [
        ("db1:5433,db2:5434", "db1,db2", "5433,5434"),
        ("db1,db2", "db1,db2", ","),
        ("db1,db2:5434", "db1,db2", ",5434"),
        ("db1:5433,db2:5433,db3", "db1,db2,db3", "5433,5433,"),
        ("[::1]:5433,10.0.0.2", "::1,10.0.0.2", "5433,"),
    ],
)
def test_several_hosts_keep_their_ports_and_the_primary_is_selected(hosts: str, host: str, port: str) -> None:
    config = parse(f"postgres://u:p%40@{hosts}/n?sslmode=require")
    assert (config["USER"], config["PASSWORD"], config["NAME"]) == ("u", "p@", "n")
    assert (config["HOST"], config["PORT"]) == (host, port)
    assert config["OPTIONS"]["target_session_attrs"] == "read-write"
    assert config["OPTIONS"]["sslmode"] == "require"
    assert "target_session_attrs" not in parse("postgres://u@h/n")["OPTIONS"]
    given = parse(f"postgres://u@{hosts}/n?target_session_attrs=primary")["OPTIONS"]
    assert given["target_session_attrs"] == "primary"


def test_a_silent_host_leaves_time_for_the_next() -> None:
    options = parse("postgres://u@a,b/n")["OPTIONS"]
    assert options["connect_timeout"] < options["pool"]["timeout"]
    assert parse("postgres://u@a,b/n?connect_timeout=1")["OPTIONS"]["connect_timeout"] == 1


def test_django_hands_all_hosts_and_ports_to_the_driver() -> None:
    wrapper = DatabaseWrapper({**connection.settings_dict, **parse("postgres://u@db1:5433,db2/n")})
    parameters = wrapper.get_connection_params()
    assert [parameters[name] for name in ("host", "port", "dbname", "user")] == ["db1,db2", "5433,", "n", "u"]


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "postgres://u:hunter2@a:port,b/n",
        "postgres://u:hunter2@a,/n",
        "mysql://u:hunter2@a,b/n",
        "db.sqlite3",
        "oracle://u:hunter2@h/n",
        "redis://h",
        "POSTGRES://u@h/n",
        "postgres://u:hunter2@h",
        "postgres://u:hunter2@h/",
        "mysql://h",
        "postgres://u:hunter2@h:port/n",
        "postgres://u@h/n?pool_size=many",
        "sqlite",
        "://",
    ],
)
def test_invalid_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError) as refusal:
        parse(url)
    assert "hunter2" not in str(refusal.value)


def test_f06_postgresql_has_timeouts_that_the_url_can_override() -> None:
    ours = "-c statement_timeout=3000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=10000"
    assert parse("postgres://u@h/n")["OPTIONS"]["options"] == ours
    given = parse("postgres://u@h/n?options=-c%20statement_timeout%3D9000")
    assert given["OPTIONS"]["options"] == f"{ours} -c statement_timeout=9000"


def test_f06_mysql_has_timeouts() -> None:
    options = parse("mysql://u@h/n")["OPTIONS"]
    assert (options["read_timeout"], options["write_timeout"]) == (4, 4)
    assert "innodb_lock_wait_timeout = 2" in options["init_command"]
    # MariaDB and MySQL must each ignore the comment of the other.
    assert "/*M!100101 , max_statement_time = 3 */" in options["init_command"]
    assert "/*!50708 , max_execution_time = 3000 */" in options["init_command"]
    assert parse("mysql://u@h/n?init_command=SET%20a%3D1")["OPTIONS"]["init_command"] == "SET a=1"


@pytest.mark.parametrize("url", ["postgres://u@h/n?sslmode=require", "mysql://u@h/n?ssl_mode=REQUIRED"])
def test_without_timeouts_keeps_the_rest_of_the_configuration(url: str) -> None:
    bounded = parse(url)
    free = without_timeouts(bounded)
    assert not {"pool", "read_timeout", "write_timeout", "init_command"} & free["OPTIONS"].keys()
    assert free["OPTIONS"].get("options", "statement_timeout=0").count("statement_timeout=0") == 1
    assert {*free["OPTIONS"]} & {"sslmode", "ssl_mode"}
    assert (free["NAME"], free["HOST"]) == ("n", "h")
    assert bounded == parse(url)


SLOW = {"postgresql": "SELECT pg_sleep(20)", "mysql": "SELECT sleep(20)"}


@pytest.mark.skipif(connection.vendor not in SLOW, reason="a file has no server that could be slow")
@pytest.mark.django_db(transaction=True)
def test_f06_slow_statement_is_cancelled_after_three_seconds() -> None:
    start = time.monotonic()
    with connection.cursor() as cursor, pytest.raises(OperationalError):
        cursor.execute(SLOW[connection.vendor])
    # Without the timeout, the statement ends without an error.
    assert time.monotonic() - start > 2.5


LOCK = {
    "postgresql": "SELECT 1 FROM users_user FOR UPDATE",
    "mysql": "SELECT 1 FROM users_user FOR UPDATE",
}


@pytest.mark.skipif(connection.vendor not in LOCK, reason="a file is locked as a whole")
@pytest.mark.django_db(transaction=True)
def test_f07_waiting_for_a_locked_row_times_out_after_two_seconds(api: Api) -> None:
    member = api.new_member()
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(LOCK[connection.vendor])
        start = time.monotonic()
        answer = member('mutation { updateProfile(bio: "Curiouser.") { user { bio } } }')
        # Without the timeout, there is no answer while the lock is held.
        assert time.monotonic() - start > 1.5
        other.rollback()
    finally:
        other.close()
    assert (answer.status, answer.code, answer.extensions["retryAfter"]) == (200, "SERVICE_UNAVAILABLE", 5)
    assert answer.response["Retry-After"] == "5"
    assert member('mutation { updateProfile(bio: "Curiouser.") { user { bio } } }').data
