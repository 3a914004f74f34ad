"""A live gateway over the database of the test, whose ring the test can read."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.server import SECRET_KEY, free_ports, manage, running_gateway, url_of_database, wait_until_ready
from users.sessions import key_ring

Gateways = Callable[[int], list[str]]
GENEROUS = "100000 in 1 minute"
HERE = Path(__file__).parent
NEEDS_SERVER = "the database is SQLite (set TEST_DATABASE_URLS to PostgreSQL or MariaDB)"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, which start several processes."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.services)


@pytest.fixture
def gateway_settings(transactional_db: None, settings: Any) -> dict[str, str]:
    """The settings of gateways that share the database of the test."""
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = SECRET_KEY, []
    settings.GATEWAY_SIGNING_KEYS = ""
    key_ring.clear_cache()
    limits = (
        "SIGN_IN_HERE",
        "SIGN_IN_ELSEWHERE",
        "SIGN_IN_ADDRESS",
        "SIGN_IN_TOTAL_ACCOUNT",
        "SIGN_IN_TOTAL_CLIENT",
        "REGISTER",
        "INVALID_REFRESH",
    )
    return {
        "DATABASE_URL": url_of_database(connection.settings_dict),
        "GATEWAY_ISSUER": "http://gateway.example",
        **{f"GATEWAY_LIMIT_{name}": GENEROUS for name in limits},
    }


@pytest.fixture
def gateways(gateway_settings: dict[str, str], tmp_path: Path) -> Iterator[Gateways]:
    """Starts so many gateways at one moment; their origins."""
    with ExitStack() as servers:

        def start(count: int) -> list[str]:
            origins = [
                servers.enter_context(running_gateway(tmp_path, port, gateway_settings)) for port in free_ports(count)
            ]
            for origin in origins:
                wait_until_ready(origin, tmp_path)
            return origins

        yield start


@pytest.fixture
def run_command(gateway_settings: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a command of the gateway's; what it said and how it ended."""
    return lambda *arguments: manage(gateway_settings, *arguments)
