"""A database that goes away, hangs and comes back, under a live gateway."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from django.db import connection

from tests.server import free_ports, running_gateway, wait_until_ready
from tests.services.conftest import NEEDS_SERVER
from tests.services.relay import Relay
from tests.services.talk import register

pytestmark = pytest.mark.skipif(connection.vendor == "sqlite", reason=NEEDS_SERVER)
ME = b'{"query": "{ me { username } }"}'


@pytest.fixture
def wire() -> Iterator[Relay]:
    """What the gateway's database is reached by."""
    config = connection.settings_dict
    relay = Relay(config["HOST"], int(config["PORT"] or {"postgresql": 5432, "mysql": 3306}[connection.vendor]))
    yield relay
    relay.close()


@pytest.fixture
def origin(gateway_settings: dict[str, str], wire: Relay, tmp_path: Path) -> Iterator[str]:
    """A gateway over that wire."""
    scheme, _, rest = gateway_settings["DATABASE_URL"].partition("://")
    user, _, place = rest.rpartition("@")
    gateway_settings["DATABASE_URL"] = f"{scheme}://{user}@127.0.0.1:{wire.port}/{place.rpartition('/')[2]}"
    (port,) = free_ports(1)
    with running_gateway(tmp_path, port, gateway_settings) as origin:
        wait_until_ready(origin, tmp_path)
        yield origin


def ask(address: str, token: str | None = None) -> tuple[int, Any, float]:
    """The status and the content of an answer, and after how many seconds it came."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    start = time.monotonic()
    try:
        with urlopen(Request(address, ME if token else None, headers if token else {}), timeout=30) as response:
            status, content = response.status, response.read()
    except HTTPError as refused:
        status, content = refused.code, refused.read()
    return status, json.loads(content), time.monotonic() - start


def await_recovery(origin: str, token: str) -> float:
    """How many seconds pass until the gateway answers as before."""
    start = time.monotonic()
    while "errors" in ask(f"{origin}/graphql", token)[1] or ask(f"{origin}/readyz")[0] != 200:
        assert time.monotonic() - start < 10, "it does not come back"
        time.sleep(0.1)
    return time.monotonic() - start


@pytest.mark.parametrize("fault", ["freeze", "cut"])
def test_f05_f06_an_outage_is_told_within_seconds_and_is_over_by_itself(origin: str, wire: Relay, fault: str) -> None:
    token = register(origin, "alice")["token"]
    assert ask(f"{origin}/readyz")[0] == 200
    time.sleep(1.1)
    getattr(wire, fault)()
    for _ in range(2):
        _, answer, seconds = ask(f"{origin}/graphql", token)
        assert answer["errors"][0]["extensions"] == {"code": "SERVICE_UNAVAILABLE", "retryAfter": 5}
        assert seconds < 8
    status, _, seconds = ask(f"{origin}/readyz")
    assert status == 503
    assert seconds < 8
    status, answer, seconds = ask(f"{origin}/healthz")
    assert (status, answer) == (200, {"status": "ok"})
    assert seconds < 1
    {"freeze": wire.thaw, "cut": wire.mend}[fault]()
    await_recovery(origin, token)
