"""Django's DATABASES from DATABASE_URL, with options for concurrency and with timeouts for each engine."""

from pathlib import Path
from typing import Any

import environ
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

# Seconds. The database server itself cancels longer statements.
CONNECT_TIMEOUT = 3
# For each of several hosts, so that a silent one leaves time for the next; psycopg allows no shorter timeout.
CONNECT_TIMEOUT_PER_HOST = 2
STATEMENT_TIMEOUT = 3
LOCK_TIMEOUT = 2
IDLE_IN_TRANSACTION_TIMEOUT = 10
# MariaDB and MySQL: how long the client waits for the server to send something.
READ_TIMEOUT = 4
# Connections are replaced at this age, so that a changed configuration of the server takes effect.
MAX_CONNECTION_AGE = 600
POOL_SIZE = 20

# Keepalives find a server that is gone while it owes an answer, and connections that a firewall has forgotten.
TCP_OPTIONS = {
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 4,
    "tcp_user_timeout": READ_TIMEOUT * 1_000,
}
# MariaDB runs the first comment, MySQL the second: neither knows the other's variable.
MYSQL_TIMEOUTS = (
    f"SET SESSION innodb_lock_wait_timeout = {LOCK_TIMEOUT}"
    f" /*M!100101 , max_statement_time = {STATEMENT_TIMEOUT} */"
    f" /*!50708 , max_execution_time = {STATEMENT_TIMEOUT * 1_000} */"
)


def parse(url: str) -> dict[str, Any]:
    """a database URL such as sqlite:///db.sqlite3, postgres://user@host/name or mysql://user@host/name"""
    scheme = url.partition(":")[0]
    if scheme not in ENGINES:
        raise ValueError
    base, mark, options = url.replace("mariadb:", "mysql:", 1).partition("?")
    try:
        # django-environ decodes a plus as a space, which is correct in the options only.
        config: dict[str, Any] = environ.Env.db_url_config(base.replace("+", "%2B") + mark + options)
    except Exception:
        # The messages of django-environ quote the URL, including the password.
        raise ValueError from None
    if not config.get("NAME"):
        raise ValueError
    if "," in config.get("HOST", ""):
        config |= _several_hosts(base)
    return ENGINES[scheme](config)


def sqlite(config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a file, with concurrent readers, and one writer at a time."""
    if config["NAME"] != ":memory:":
        config["NAME"] = str(Path(__file__).resolve().parents[2] / config["NAME"])
    options = {
        # A deferred transaction fails at once, despite the timeout, if it starts to write while another one writes.
        "transaction_mode": "IMMEDIATE",
        "timeout": 10,
        "init_command": "PRAGMA journal_mode=WAL",
    }
    return config | {"OPTIONS": options | config.get("OPTIONS", {}), "CONN_MAX_AGE": None}


def postgresql(config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a connection pool with timeouts. The backend checks connections before use."""
    url_options = {**config.get("OPTIONS", {})}
    pool = {
        "min_size": 0,
        "max_size": int(url_options.pop("pool_size", POOL_SIZE)),
        # How long a request waits for a connection, and how long the pool tries to open one.
        "timeout": CONNECT_TIMEOUT,
        "reconnect_timeout": CONNECT_TIMEOUT,
        "max_lifetime": MAX_CONNECTION_AGE,
    }
    timeouts = _server_options(
        statement_timeout=STATEMENT_TIMEOUT,
        lock_timeout=LOCK_TIMEOUT,
        idle_in_transaction_session_timeout=IDLE_IN_TRANSACTION_TIMEOUT,
    )
    defaults: dict[str, Any] = {"connect_timeout": CONNECT_TIMEOUT}
    if "," in config["HOST"]:
        defaults = {"connect_timeout": CONNECT_TIMEOUT_PER_HOST, "target_session_attrs": "read-write"}
    # Options in the URL override the defaults.
    options = {**defaults, **TCP_OPTIONS, **url_options}
    options |= {"options": f"{timeouts} {url_options.get('options', '')}".rstrip(), "pool": pool}
    return config | {"ENGINE": "gateway.postgresql", "OPTIONS": options}


def mysql(config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of one connection per thread with timeouts. Connections are checked before use."""
    options = {
        "charset": "utf8mb4",
        "connect_timeout": CONNECT_TIMEOUT,
        "read_timeout": READ_TIMEOUT,
        "write_timeout": READ_TIMEOUT,
        "isolation_level": "read committed",
        "init_command": MYSQL_TIMEOUTS,
    }
    return config | {
        "OPTIONS": options | config.get("OPTIONS", {}),
        "CONN_MAX_AGE": MAX_CONNECTION_AGE,
        "CONN_HEALTH_CHECKS": True,
        "TEST": {"CHARSET": "utf8mb4"},
    }


def without_timeouts(config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration for commands such as `migrate`, whose statements may take long; it uses no pool."""
    excluded = {"pool", "read_timeout", "write_timeout", "init_command"}
    options = {name: value for name, value in config["OPTIONS"].items() if name not in excluded}
    if "options" in config["OPTIONS"]:
        # PostgreSQL applies the last value of an option.
        unlimited = _server_options(statement_timeout=0, idle_in_transaction_session_timeout=0)
        options["options"] = f"{config['OPTIONS']['options']} {unlimited}"
    return config | {"OPTIONS": options}


def _several_hosts(base: str) -> dict[str, str]:
    """Return HOST and PORT as libpq reads them: one port for each host, or none."""
    # Without the user and password, which libpq would quote in its messages.
    scheme, _, rest = base.partition("://")
    try:
        parsed = conninfo_to_dict(f"{scheme}://{rest.rpartition('@')[2]}")
    except ProgrammingError:
        raise ValueError from None
    hosts, ports = str(parsed["host"]), str(parsed.get("port", ""))
    if not all(hosts.split(",")) or not ports.replace(",", "0").isdecimal():
        raise ValueError
    return {"HOST": hosts, "PORT": ports}


def _server_options(**seconds: int) -> str:
    return " ".join(f"-c {name}={value * 1_000}" for name, value in seconds.items())


ENGINES = {
    "sqlite": sqlite,
    "postgres": postgresql,
    "postgresql": postgresql,
    "mysql": mysql,
    "mariadb": mysql,
}
