"""`manage.py serve` serves the gateway on one port until a signal stops it."""

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

from gateway.http import health
from gateway.management.commands import serve
from gateway.management.commands.serve import require_free_port
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
JSON = {"Content-Type": "application/json"}
BODY = b'{"query": "{ __typename }"}'


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def busy_port() -> Iterator[int]:
    """A port that is in use."""
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
    """Return the status and the JSON of the answer. Wait until the server answers."""
    until = time.monotonic() + 30
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("POST", "/graphql", body, JSON, **how)
            response = connection.getresponse()
            return response.status, orjson.loads(response.read())
        except ConnectionRefusedError:
            assert time.monotonic() < until, "the server does not answer"
            time.sleep(0.05)
        finally:
            connection.close()


def test_free_port_is_accepted() -> None:
    require_free_port("127.0.0.1", free_port())


def test_busy_port_is_refused(busy_port: int) -> None:
    with pytest.raises(CommandError, match=f"Port {busy_port} is not free .+ PORT=8001"):
        require_free_port("127.0.0.1", busy_port)


@pytest.mark.services
def test_busy_port_is_one_line_on_stderr(busy_port: int, tmp_path: Path) -> None:
    with start(tmp_path / "db.sqlite3", PORT=str(busy_port)) as process:
        said, complained = process.communicate(timeout=60)
    assert (process.returncode, said) == (1, "")
    (line,) = complained.splitlines()
    assert f"Port {busy_port} is not free" in line
    assert not (tmp_path / "db.sqlite3").exists(), "the port is checked before the database"


@pytest.mark.services
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


@pytest.mark.services
def test_f03_server_migrates_answers_and_stops(tmp_path: Path) -> None:
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


def probe(port: int, path: str) -> int:
    """Return the status of a GET request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.services
def test_f03_stopping_gateway_serves_requests_until_a_second_signal(tmp_path: Path) -> None:
    port = free_port()
    with start(tmp_path / "db.sqlite3", "--port", str(port), GATEWAY_SHUTDOWN_DELAY="600") as process:
        try:
            ask(port)
            assert probe(port, "/readyz") == 200
            process.send_signal(signal.SIGTERM)
            wait_until(lambda: probe(port, "/readyz") == 503)
            assert (probe(port, "/healthz"), ask(port)[0]) == (200, 200)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0


@pytest.mark.services
def test_busy_metrics_port_is_one_line_on_stderr(busy_port: int, tmp_path: Path) -> None:
    variables = {"PORT": str(free_port()), "GATEWAY_METRICS_PORT": str(busy_port)}
    with start(tmp_path / "db.sqlite3", **variables) as process:
        _, complained = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"Port {busy_port} is not free" in complained
    assert "GATEWAY_METRICS_PORT=9101" in complained


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[int]]:
    """The signals that reach granian's handler."""
    received: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)}
    signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    monkeypatch.setenv(health.STOPPING_FILE, str(tmp_path / "stopping"))
    yield received
    signal.alarm(0)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_without_a_delay_the_server_stops_at_once(stopped: list[int]) -> None:
    serve.delay_shutdown(0)
    signal.raise_signal(signal.SIGTERM)
    assert stopped == [signal.SIGTERM]
    assert health.is_stopping()


def test_delay_ends_by_itself(stopped: list[int]) -> None:
    serve.delay_shutdown(600)
    signal.raise_signal(signal.SIGTERM)
    assert stopped == []
    assert health.is_stopping()
    assert 0 < signal.alarm(0) <= 600
    signal.raise_signal(signal.SIGALRM)
    assert stopped == [signal.SIGALRM]
