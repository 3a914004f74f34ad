"""nginx and Caddy with the files of docs/deployment/, in front of a real gateway."""

import http.client
import json
import re
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from email.message import Message
from pathlib import Path

import pytest
from django.db import connection

from tests.faults.engine import wait_for
from tests.faults.process import QUIET, Gateway
from tests.server import ROOT, free_ports
from tests.services import proxy
from tests.services.certificate import write_certificate

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="the gateway of the test has its own SQLite")
Proxy = Callable[[Path, str, int, Path, Path], AbstractContextManager[None]]
FILES = ROOT / "docs" / "deployment"
CADDY = shutil.which("caddy")


def adapted(name: str, changes: dict[str, str]) -> str:
    """Return a file with other addresses and paths."""
    text = (FILES / name).read_text()
    for pattern, replacement in changes.items():
        text, count = re.subn(pattern, replacement, text)
        assert count, pattern
    return text


@contextmanager
def nginx(folder: Path, origin: str, port: int, certificate: Path, key: Path) -> Iterator[None]:
    """Run nginx on a port before a gateway."""
    if not proxy.NGINX:
        pytest.skip("nginx is not installed (apt-get install nginx-light)")
    changes = {
        r"server 10\.0\.0\.11:8000": f"server {origin}",
        r".*10\.0\.0\.12.*\n": "",
        r"listen 443": f"listen 127.0.0.1:{port}",
        r"/etc/letsencrypt/live/auth\.example\.com/fullchain\.pem": str(certificate),
        r"/etc/letsencrypt/live/auth\.example\.com/privkey\.pem": str(key),
    }
    file = folder / "nginx.conf"
    file.write_text(proxy.MAIN.format(folder=folder, user=proxy.USER, site=adapted("nginx.conf", changes)))
    with subprocess.Popen([proxy.NGINX, "-p", folder, "-c", file, "-e", folder / "error.log"]) as process:
        try:
            yield
        finally:
            process.terminate()


@contextmanager
def caddy(folder: Path, origin: str, port: int, certificate: Path, key: Path) -> Iterator[None]:
    """Run Caddy on a port before a gateway."""
    if not CADDY:
        pytest.skip("Caddy is not installed (apt-get install caddy)")
    changes = {
        r"10\.0\.0\.11:8000 10\.0\.0\.12:8000": origin,
        # A certificate of the test instead of one from a public authority.
        r"auth\.example\.com \{": f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n"
        f"https://127.0.0.1:{port} {{\n\tbind 127.0.0.1\n\ttls {certificate} {key}",
    }
    file = folder / "Caddyfile"
    file.write_text(adapted("Caddyfile", changes))
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    command = [CADDY, "run", "--config", file, "--adapter", "caddyfile"]
    with (
        (folder / "caddy.log").open("wb") as log,
        subprocess.Popen(command, env=home, stdout=log, stderr=log) as process,
    ):
        try:
            yield
        finally:
            process.terminate()


@pytest.mark.parametrize("proxying", [nginx, caddy])
def test_s73_proxy_terminates_tls_and_forwards_only_its_own_headers(tmp_path: Path, proxying: Proxy) -> None:
    settings = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
        "GATEWAY_TRUSTED_PROXIES": "1",
        "DJANGO_DEBUG": "0",
        "ALLOWED_HOSTS": "127.0.0.1",
        "GATEWAY_ISSUER": "https://gateway.example",
    }
    certificate, key = write_certificate(tmp_path)
    (port,) = free_ports(1)
    with (
        Gateway(tmp_path, **QUIET, **settings) as gateway,
        proxying(tmp_path, gateway.origin.removeprefix("http://"), port, certificate, key),
    ):
        wait_for(lambda: ask(port, certificate, "/readyz")[0] == 200)
        body = json.dumps({"query": "{ __typename }"})
        forged = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "http", "X-Real-IP": "198.51.100.7"}
        status, headers, content = ask(port, certificate, "/graphql", body, forged)
        assert (status, json.loads(content)) == (200, {"data": {"__typename": "Query"}})
        # Django sends it over HTTPS only.
        assert headers["Strict-Transport-Security"]
        # Larger than the gateway accepts, smaller than the proxy accepts. The gateway answers before it has read the
        # body, which the proxy may take for a broken connection.
        wait_for(lambda: b"BAD_REQUEST" in ask(port, certificate, "/graphql", " " * 150_000)[2])
        wait_for(lambda: bool(clients(gateway)))
        assert set(clients(gateway)) == {"127.0.0.1"}


def ask(
    port: int, certificate: Path, path: str, body: str | None = None, headers: dict[str, str] | None = None
) -> tuple[int, Message, bytes]:
    """Return the status, the headers and the content of an answer over TLS, or the status 0."""
    trust = ssl.create_default_context(cafile=certificate)
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=trust, timeout=10)
    try:
        sent = {"Content-Type": "application/json", **(headers or {})}
        connection.request("POST" if body else "GET", path, body, sent)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    except OSError:
        return 0, Message(), b""
    finally:
        connection.close()


def clients(gateway: Gateway) -> list[str]:
    """Return the client addresses of the access log."""
    lines = [json.loads(line) for line in gateway.log.read_text().splitlines() if line.startswith("{")]
    return [line["client"] for line in lines if line.get("path") == "/graphql"]
