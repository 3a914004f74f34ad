"""`manage.py serve`: one command, one port, one clear line where it is taken."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import CommandError
from django.db import connection

from gateway.management.commands.serve import leave_the_database, refuse_busy
from users.models import User

ROOT = Path(__file__).parents[2]
JSON = {"Content-Type": "application/json"}
BODY = b'{"query": "{ __typename }"}'


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def busy_port() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def start(database: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--migrate", *arguments],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "DJANGO_DEBUG": "1",
            "GATEWAY_ENV_FILE": os.devnull,
            "DATABASE_URL": f"sqlite:///{database}",
            **variables,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ask(port: int, body: Any = BODY, **how: Any) -> tuple[int, Any]:
    """The answer to a request; waits until there is somebody who answers."""
    until = time.monotonic() + 30
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("POST", "/graphql", body, JSON, **how)
            response = connection.getresponse()
            return response.status, orjson.loads(response.read())
        except ConnectionRefusedError:
            assert time.monotonic() < until, "nobody answers"
            time.sleep(0.05)
        finally:
            connection.close()


def test_a_free_port_is_not_refused() -> None:
    refuse_busy("127.0.0.1", free_port())


def test_a_busy_port_is_refused(busy_port: int) -> None:
    with pytest.raises(CommandError, match=f"Port {busy_port} is not free .+ PORT=8001"):
        refuse_busy("127.0.0.1", busy_port)


def test_a_busy_port_is_one_clear_line(busy_port: int, tmp_path: Path) -> None:
    with start(tmp_path / "db.sqlite3", PORT=str(busy_port)) as process:
        said, complained = process.communicate(timeout=60)
    assert (process.returncode, said) == (1, "")
    (line,) = complained.splitlines()
    assert f"Port {busy_port} is not free" in line
    assert not (tmp_path / "db.sqlite3").exists(), "the port is looked at first"


@pytest.mark.parametrize(
    ("option", "value", "check"), [("--host", "0.0.0.0", "gateway.E021"), ("--threads", "2", "gateway.E013")]
)
def test_s93_options_are_checked_like_settings(tmp_path: Path, option: str, value: str, check: str) -> None:
    with start(tmp_path / "db.sqlite3", "--port", str(free_port()), option, value) as process:
        try:
            said, complained = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, said) == (1, "")
    assert check in complained


def test_f03_it_migrates_answers_and_stops_when_told(tmp_path: Path) -> None:
    port = free_port()
    with start(tmp_path / "db.sqlite3", "--port", str(port), "--threads", "99") as process:
        try:
            answered = ask(port)
            signed_in = ask(
                port, b'{"query": "mutation { tokenAuth(username: \\"a\\", password: \\"b\\") { token } }"}'
            )
            chunked = ask(port, iter([BODY[:9], BODY[9:]]), encode_chunked=True)
            too_large = ask(port, iter([BODY, b" " * 100_000]), encode_chunked=True)
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=30)
        finally:
            process.kill()
    assert answered == chunked == (200, {"data": {"__typename": "Query"}})
    assert signed_in[1]["errors"][0]["extensions"]["code"] == "INVALID_CREDENTIALS"
    assert too_large[0] == 413
    assert process.returncode == 0
    assert f"http://localhost:{port}/graphql" in said
    (command,) = re.findall(r"create an account: (.+)\)", said)
    created = subprocess.run(
        f"{command} --noinput --username admin --email admin@example.com",
        shell=True,
        cwd=ROOT,
        env={
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "GATEWAY_ENV_FILE": os.devnull,
            "DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
            "DJANGO_SUPERUSER_PASSWORD": "correct horse battery staple",
        },
        capture_output=True,
        text=True,
    )
    assert created.returncode == 0, created.stderr


@pytest.mark.django_db(transaction=True)
def test_workers_inherit_no_connection() -> None:
    User.objects.exists()
    leave_the_database()
    assert connection.connection is None
    assert not User.objects.exists()


def probe(port: int, path: str) -> int:
    """The status of an address."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def test_f03_probes_are_told_first_that_it_stops_and_others_served_meanwhile(tmp_path: Path) -> None:
    port = free_port()
    with start(tmp_path / "db.sqlite3", "--port", str(port), GATEWAY_STOP_NOTICE="3") as process:
        try:
            ask(port)
            ready = probe(port, "/readyz")
            process.send_signal(signal.SIGTERM)
            until = time.monotonic() + 2
            while (told := probe(port, "/readyz")) == 200 and time.monotonic() < until:
                time.sleep(0.05)
            alive, answered = probe(port, "/healthz"), ask(port)[0]
            process.communicate(timeout=30)
        finally:
            process.kill()
    assert (ready, told, alive, answered, process.returncode) == (200, 503, 200, 200, 0)


def test_a_busy_port_for_metrics_is_one_clear_line(busy_port: int, tmp_path: Path) -> None:
    variables = {"PORT": str(free_port()), "GATEWAY_METRICS_PORT": str(busy_port)}
    with start(tmp_path / "db.sqlite3", **variables) as process:
        _, complained = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"Port {busy_port} is not free" in complained
    assert "GATEWAY_METRICS_PORT=9101" in complained
