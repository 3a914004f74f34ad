"""Database addresses: what each engine needs to serve many requests at once and fail within seconds."""

from pathlib import Path
from typing import Any

import environ

CONNECT_TIMEOUT = 3


def parse(url: str) -> dict[str, Any]:
    """a database address such as sqlite:///db.sqlite3, postgres://user@host/name or mysql://user@host/name"""
    scheme = url.partition(":")[0]
    if scheme not in ENGINES:
        raise ValueError
    try:
        config: dict[str, Any] = environ.Env.db_url_config(url.replace("mariadb:", "mysql:", 1))
    except Exception:
        # The reader's own messages quote the address, password and all.
        raise ValueError from None
    if not config.get("NAME"):
        raise ValueError
    return ENGINES[scheme](config)


def sqlite(config: dict[str, Any]) -> dict[str, Any]:
    """One file, readers beside one writer; a writer waits its turn instead of failing."""
    if config["NAME"] != ":memory:":
        config["NAME"] = str(Path(__file__).resolve().parent.parent / config["NAME"])
    options = {
        # A deferred transaction that turns into a writing one fails at once, whatever the timeout.
        "transaction_mode": "IMMEDIATE",
        "timeout": 10,
        "init_command": "PRAGMA journal_mode=WAL",
    }
    return config | {"OPTIONS": options | config.get("OPTIONS", {}), "CONN_MAX_AGE": None}


def postgresql(config: dict[str, Any]) -> dict[str, Any]:
    """A pool of connections in each process, checked before use."""
    options = {
        "connect_timeout": CONNECT_TIMEOUT,
        "pool": {"min_size": 1, "timeout": CONNECT_TIMEOUT},
    }
    return config | {"OPTIONS": options | config.get("OPTIONS", {}), "CONN_HEALTH_CHECKS": True}


def fit_pool(config: dict[str, Any], threads: int) -> None:
    """Give each thread of a process a connection: one that waits for its turn to hash holds on to its own."""
    if "pool" in config["OPTIONS"]:
        config["OPTIONS"]["pool"]["max_size"] = threads


def mysql(config: dict[str, Any]) -> dict[str, Any]:
    """One lasting connection a thread, checked before use."""
    options = {"charset": "utf8mb4", "connect_timeout": CONNECT_TIMEOUT, "isolation_level": "read committed"}
    return config | {
        "OPTIONS": options | config.get("OPTIONS", {}),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "TEST": {"CHARSET": "utf8mb4"},
    }


ENGINES = {
    "sqlite": sqlite,
    "postgres": postgresql,
    "postgresql": postgresql,
    "mysql": mysql,
    "mariadb": mysql,
}
