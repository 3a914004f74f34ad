"""Database addresses: what each engine needs to serve many requests at once and fail within seconds."""

from pathlib import Path
from typing import Any

import environ

from gateway.postgresql import connections

CONNECT_TIMEOUT = 3
STATEMENT_TIMEOUT = 3
LOCK_TIMEOUT = 2
IDLE_TIMEOUT = 10
SILENCE = 4
# Between us may be what forgets a connection that says nothing for some minutes.
KEEPALIVES = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
# Seconds after which a connection is made anew, so that a server which was told of a change keeps none for ever.
LASTING = 600

# MariaDB alone reads the first bracket, MySQL alone the second: each knows only its own variable.
BOUNDS = (
    f"SET SESSION innodb_lock_wait_timeout = {LOCK_TIMEOUT}"
    f" /*M!100101 , max_statement_time = {STATEMENT_TIMEOUT} */"
    f" /*!50708 , max_execution_time = {STATEMENT_TIMEOUT * 1_000} */"
)


def parse(url: str) -> dict[str, Any]:
    """a database address such as sqlite:///db.sqlite3, postgres://user@host/name or mysql://user@host/name"""
    scheme = url.partition(":")[0]
    if scheme not in ENGINES:
        raise ValueError
    place, mark, options = url.replace("mariadb:", "mysql:", 1).partition("?")
    try:
        # The reader takes a plus in a path for a space, which it is in the options alone.
        config: dict[str, Any] = environ.Env.db_url_config(place.replace("+", "%2B") + mark + options)
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
    """One lasting connection a thread, checked before use by a backend of our own; every wait has an end."""
    given = config.get("OPTIONS", {})
    bounds = connections.options(
        given,
        statement_timeout=STATEMENT_TIMEOUT,
        lock_timeout=LOCK_TIMEOUT,
        idle_in_transaction_session_timeout=IDLE_TIMEOUT,
    )
    return config | {
        "ENGINE": "gateway.postgresql",
        "OPTIONS": {"connect_timeout": CONNECT_TIMEOUT, **KEEPALIVES, **given, "options": bounds},
        "CONN_MAX_AGE": LASTING,
        "CONN_HEALTH_CHECKS": True,
    }


def mysql(config: dict[str, Any]) -> dict[str, Any]:
    """One lasting connection a thread, checked before use; every wait has an end."""
    options = {
        "charset": "utf8mb4",
        "connect_timeout": CONNECT_TIMEOUT,
        "read_timeout": SILENCE,
        "write_timeout": SILENCE,
        "isolation_level": "read committed",
        "init_command": BOUNDS,
    }
    return config | {
        "OPTIONS": options | config.get("OPTIONS", {}),
        "CONN_MAX_AGE": LASTING,
        "CONN_HEALTH_CHECKS": True,
        "TEST": {"CHARSET": "utf8mb4"},
    }


def unhurried(config: dict[str, Any]) -> dict[str, Any]:
    """The same database for who may take their time: no end to a statement."""
    options = {name: value for name, value in config["OPTIONS"].items() if name not in HASTE}
    if "options" in config["OPTIONS"]:
        # What stands later wins.
        options["options"] = f"{config['OPTIONS']['options']} {connections.options({}, **NO_BOUNDS)}"
        options["silence"] = 0
    return config | {"OPTIONS": options}


HASTE = {"read_timeout", "write_timeout", "init_command"}
NO_BOUNDS = {"statement_timeout": 0, "idle_in_transaction_session_timeout": 0}
ENGINES = {
    "sqlite": sqlite,
    "postgres": postgresql,
    "postgresql": postgresql,
    "mysql": mysql,
    "mariadb": mysql,
}
