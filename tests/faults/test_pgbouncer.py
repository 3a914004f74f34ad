"""PgBouncer in transaction mode, configured as the deployment page says."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from gateway.conf.database_url import parse
from tests.faults.conftest import Start
from tests.faults.engine import AS_POSTGRES, Engine, wait_for
from tests.faults.storm import Storm
from tests.server import ROOT, free_ports, gateway_environment

DOCS = ROOT / "docs"
# What the page says that the gateway's URL needs.
OPTION = "DISABLE_SERVER_SIDE_CURSORS=true"
FEW = 4


@pytest.fixture
def pooled(postgres: Engine) -> Iterator[str]:
    """The address of a database through PgBouncer; server and role are set up as the page says."""
    if not shutil.which("pgbouncer"):
        pytest.skip("PgBouncer is not installed (apt-get install pgbouncer)")
    postgres.mend()
    with postgres.connect("postgres") as connection:
        connection.execute("CREATE ROLE gateway LOGIN CREATEDB PASSWORD 'a password'")
        for statement in re.findall(r"^ *(ALTER ROLE gateway SET .+;)$", (DOCS / "deployment.md").read_text(), re.M):
            connection.execute(statement)
        connection.execute("DROP DATABASE IF EXISTS gateway WITH (FORCE)")
        connection.execute("CREATE DATABASE gateway OWNER gateway")
        with bouncing(postgres) as port:
            yield f"postgres://gateway:a%20password@127.0.0.1:{port}/gateway?{OPTION}"
        for name in ("gateway", "test_gateway"):
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute("DROP ROLE gateway")


@contextmanager
def bouncing(postgres: Engine) -> Iterator[int]:
    """Run PgBouncer with the file of the docs, but for its addresses and sizes. Yield its port."""
    folder, (port,) = postgres.folder, free_ports(1)
    users = folder / "userlist.txt"
    users.write_text('"gateway" "a password"\n')
    here = {
        # Django creates the database of the tests from within another one.
        "gateway =.*": f"* = host=127.0.0.1 port={postgres.port}",
        "listen_addr =.*": "listen_addr = 127.0.0.1\nunix_socket_dir =",
        "listen_port =.*": f"listen_port = {port}",
        "auth_file =.*": f"auth_file = {users}",
        "default_pool_size =.*": f"default_pool_size = {FEW}",
    }
    text = (DOCS / "deployment" / "pgbouncer.ini").read_text()
    for pattern, line in here.items():
        text, count = re.subn(f"^{pattern}$", line, text, flags=re.M)
        assert count == 1, pattern
    file = folder / "pgbouncer.ini"
    file.write_text(text)
    with (folder / "pgbouncer.log").open("wb") as log:
        process = subprocess.Popen([*AS_POSTGRES, "pgbouncer", str(file)], stdout=log, stderr=log)
    try:
        wait_for(lambda: b"process up" in (folder / "pgbouncer.log").read_bytes())
        yield port
    finally:
        process.terminate()
        process.wait(10)


def test_more_clients_than_connections_are_served_and_lose_nothing(start: Start, postgres: Engine, pooled: str) -> None:
    gateway = start(pooled, GATEWAY_REFRESH_GRACE="60s")
    with Storm(gateway.origin, people=3 * FEW).raging() as storm:
        storm.await_progress(100)
        with postgres.connect("postgres") as connection:
            rows = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = 'gateway'")
            assert 0 < rows.fetchall()[0][0] <= FEW
    assert storm.lost() < storm.told["OK"] / 10, storm.told
    storm.audit(gateway.origin)


def test_the_role_has_the_timeouts_that_pgbouncer_keeps_from_the_server(pooled: str) -> None:
    options = parse(pooled)["OPTIONS"]["options"]
    with psycopg.connect(pooled.partition("?")[0], options=options) as connection:
        for name, value in re.findall(r"-c (\w+)=(\d+)", options):
            row = connection.execute("SELECT setting FROM pg_settings WHERE name = %s", [name]).fetchone()
            assert row == (value,), name


def test_the_journeys_pass_through_it(pooled: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", "--reuse-db"]
    ran = subprocess.run(
        [*command, "tests/journeys", "--ignore", "tests/journeys/attacks"],
        cwd=ROOT,
        env=gateway_environment({"DATABASE_URL": pooled}),
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert ran.returncode == 0, ran.stdout[-3_000:] + ran.stderr[-1_000:]
    assert re.search(r"^postgresql: ", ran.stdout, re.M)
