"""PostgreSQL over TLS: the gateway connects only to the server that the certificate authority has certified."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gateway.conf.database_url import parse, without_timeouts
from gateway.postgresql.base import DatabaseWrapper
from tests.api import PASSWORD
from tests.faults import engine
from tests.faults.certificates import Authority
from tests.faults.conftest import Start
from tests.faults.engine import Engine
from tests.faults.storm import JOIN, told


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL may enter."""
    made = Path(tempfile.mkdtemp(prefix="gateway-tls-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    """The authority that has certified the server as `localhost`."""
    return Authority(folder, "authority")


@pytest.fixture(scope="module")
def server(folder: Path, authority: Authority) -> Iterator[Engine]:
    """A PostgreSQL that admits connections over TCP only with TLS."""
    if engine.LACKING:
        pytest.skip(engine.LACKING)
    certificate, key = authority.issue("localhost")
    key.chmod(0o600)
    if engine.AS_POSTGRES:
        shutil.chown(key, "postgres")
    files = {"ssl_cert_file": f"'{certificate}'", "ssl_key_file": f"'{key}'"}
    with engine.running(folder, ssl="on", **files) as postgres:
        postgres.create("gateway")
        (postgres.data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 trust\n")
        with postgres.connect("postgres") as connection:
            connection.execute("SELECT pg_reload_conf()")
        yield postgres


def url_of(server: Engine, host: str, **options: object) -> str:
    """Return the address of the database under a name of its host."""
    query = "&".join(f"{name}={value}" for name, value in options.items())
    return f"postgres://postgres@{host}:{server.port}/gateway?{query}"


def connect(url: str) -> "psycopg.Connection[tuple[object, ...]]":
    """Connect as Django does."""
    return psycopg.connect(**DatabaseWrapper(DEFAULTS | without_timeouts(parse(url))).get_connection_params())


DEFAULTS = {"TIME_ZONE": None, "AUTOCOMMIT": True, "CONN_MAX_AGE": 0, "TEST": {}}


def test_every_connection_of_the_gateway_is_encrypted_to_the_certified_server(
    start: Start, server: Engine, authority: Authority
) -> None:
    gateway = start(url_of(server, "localhost", sslmode="verify-full", sslrootcert=authority.file))
    assert told(gateway.origin, JOIN, n="alice", e="alice@example.com", p=PASSWORD)["data"]["register"]
    with server.connect("gateway") as connection:
        encrypted = connection.execute(
            "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = 'gateway'"
        )
        assert {row[0] for row in encrypted} == {True}


@pytest.mark.parametrize(
    ("host", "issuer", "message"),
    [
        ("127.0.0.1", "authority", "does not match host name"),
        ("localhost", "stranger", "certificate verify failed"),
    ],
)
def test_another_name_and_another_authority_are_refused(
    server: Engine, authority: Authority, folder: Path, host: str, issuer: str, message: str
) -> None:
    Authority(folder, "stranger")
    url = url_of(server, host, sslmode="verify-full", sslrootcert=folder / f"{issuer}.pem")
    with pytest.raises(psycopg.OperationalError, match=message):
        connect(url)
    # The server itself would admit the client.
    connect(url_of(server, host, sslmode="require")).close()


def test_a_server_that_requires_tls_refuses_a_connection_without(server: Engine) -> None:
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        connect(url_of(server, "localhost", sslmode="disable"))
