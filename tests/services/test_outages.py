"""A database that goes away, hangs and comes back, under a live gateway."""

import json
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
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(connection.vendor == "sqlite", reason=NEEDS_SERVER)
ME = b'{"query": "{ me { username } }"}'


@pytest.fixture
def wire() -> Iterator[Relay]:
    """A relay between the gateway and its database."""
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


def ask(address: str, token: str | None = None) -> tuple[int, Any]:
    """Return the status and the content of the answer. It must come within 15 seconds."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    try:
        with urlopen(Request(address, ME if token else None, headers if token else {}), timeout=15) as response:
            status, content = response.status, response.read()
    except HTTPError as refused:
        status, content = refused.code, refused.read()
    return status, json.loads(content)


@pytest.mark.parametrize("fault", ["freeze", "cut"])
def test_f05_f06_outage_is_reported_and_ends_without_a_restart(origin: str, wire: Relay, fault: str) -> None:
    token = register(origin, "alice")["token"]
    assert ask(f"{origin}/readyz")[0] == 200
    getattr(wire, fault)()
    for _ in range(2):
        _, answer = ask(f"{origin}/graphql", token)
        assert answer["errors"][0]["extensions"] == {"code": "SERVICE_UNAVAILABLE", "retryAfter": 5}
    # /readyz caches its state for a moment, and /healthz does not depend on the database.
    wait_until(lambda: ask(f"{origin}/readyz")[0] == 503)
    assert ask(f"{origin}/healthz") == (200, {"status": "ok"})
    {"freeze": wire.thaw, "cut": wire.mend}[fault]()
    wait_until(lambda: "errors" not in ask(f"{origin}/graphql", token)[1] and ask(f"{origin}/readyz")[0] == 200)
