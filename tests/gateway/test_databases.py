"""Database addresses."""

from pathlib import Path
from typing import Any

import pytest

from gateway.databases import fit_pool, parse

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("url", "engine", "facts"),
    [
        ("sqlite:///db.sqlite3", "sqlite3", {"NAME": str(ROOT / "db.sqlite3")}),
        ("sqlite:////var/lib/db.sqlite3", "sqlite3", {"NAME": "/var/lib/db.sqlite3"}),
        ("sqlite://:memory:", "sqlite3", {"NAME": ":memory:"}),
        (
            "postgres://user:p%40ss@db.example:5433/name",
            "postgresql",
            {"NAME": "name", "USER": "user", "PASSWORD": "p@ss", "HOST": "db.example", "PORT": 5433},
        ),
        ("postgresql://db.example/name", "postgresql", {"NAME": "name", "HOST": "db.example"}),
        ("mysql://root@127.0.0.1/name", "mysql", {"NAME": "name", "USER": "root", "HOST": "127.0.0.1"}),
        ("mariadb://root:x@db.example:3307/name", "mysql", {"NAME": "name", "PASSWORD": "x", "PORT": 3307}),
    ],
)
def test_an_address_names_engine_and_place(url: str, engine: str, facts: dict[str, Any]) -> None:
    config = parse(url)
    assert config["ENGINE"] == f"django.db.backends.{engine}"
    assert {name: config[name] for name in facts} == facts


def test_sqlite_waits_its_turn() -> None:
    config = parse("sqlite:///db.sqlite3")
    assert config["OPTIONS"] == {
        "transaction_mode": "IMMEDIATE",
        "timeout": 10,
        "init_command": "PRAGMA journal_mode=WAL",
    }
    assert config["CONN_MAX_AGE"] is None


def test_f09_postgresql_has_a_pool_of_as_many_connections_as_threads() -> None:
    config = parse("postgres://u@h/n")
    fit_pool(config, 7)
    assert config["OPTIONS"]["pool"] == {"min_size": 1, "max_size": 7, "timeout": 3}
    # A pool and lasting connections exclude each other.
    assert config.get("CONN_MAX_AGE", 0) == 0


def test_mysql_keeps_a_connection_and_all_characters() -> None:
    config = parse("mysql://u@h/n")
    assert config["CONN_MAX_AGE"] == 60
    assert config["OPTIONS"]["charset"] == config["TEST"]["CHARSET"] == "utf8mb4"
    assert config["OPTIONS"]["isolation_level"] == "read committed"


@pytest.mark.parametrize("url", ["postgres://u@h/n", "mysql://u@h/n"])
def test_f05_f06_a_server_is_given_up_within_seconds_and_connections_are_looked_at(url: str) -> None:
    config = parse(url)
    assert config["OPTIONS"]["connect_timeout"] == 3
    assert config["CONN_HEALTH_CHECKS"] is True


@pytest.mark.parametrize("url", ["postgres://u@h/n?sslmode=require", "mysql://u@h/n?connect_timeout=9"])
def test_an_address_may_carry_options_of_its_own(url: str) -> None:
    name, value = url.partition("?")[2].split("=")
    options = parse(url)["OPTIONS"]
    assert str(options[name]) == value
    assert len(options) > 1


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "db.sqlite3",
        "oracle://u:hunter2@h/n",
        "redis://h",
        "POSTGRES://u@h/n",
        "postgres://u:hunter2@h",
        "postgres://u:hunter2@h/",
        "mysql://h",
        "postgres://u:hunter2@h:port/n",
        "sqlite",
        "://",
    ],
)
def test_anything_else_is_refused_in_our_words(url: str) -> None:
    with pytest.raises(ValueError) as refusal:
        parse(url)
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("url", ["sqlite:///db.sqlite3", "mysql://u@h/n"])
def test_other_databases_have_no_pool(url: str) -> None:
    config = parse(url)
    fit_pool(config, 7)
    assert "pool" not in config["OPTIONS"]
