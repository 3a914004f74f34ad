"""Two gateways on one database behind a real proxy, as compose.yaml has them."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.faults.engine import wait_for
from tests.faults.process import QUIET, Gateway
from tests.faults.storm import ME, REVOKE, SIGN_IN, Lost, Storm, call, told
from tests.server import free_ports
from tests.services import proxy, talk

pytestmark = [
    pytest.mark.skipif(not proxy.NGINX, reason="nginx is not here"),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="several gateways share PostgreSQL or MariaDB"),
]
PROXIED = {
    "GATEWAY_TRUSTED_PROXIES": "1",
    # Longer than the proxy's fail_timeout, after which it tries a gateway again.
    "GATEWAY_SHUTDOWN_DELAY": "3",
    "DJANGO_DEBUG": "0",
    "ALLOWED_HOSTS": "127.0.0.1",
    "GATEWAY_ISSUER": "https://gateway.example",
}


@pytest.fixture
def pair(shared: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[list[Gateway]]:
    """Two gateways."""
    settings = {**QUIET, **shared, **PROXIED, **getattr(request, "param", {})}
    with ExitStack() as started:
        yield [started.enter_context(Gateway(tmp_path, **settings)) for _ in range(2)]


@pytest.fixture
def origin(pair: list[Gateway], tmp_path: Path) -> Iterator[str]:
    """The proxy before them."""
    (port,) = free_ports(1)
    with proxy.proxying(tmp_path, [each.origin for each in pair], port) as origin:
        wait_for(lambda: answers(origin))
        yield origin


def answers(origin: str) -> bool:
    """Whether anybody does."""
    try:
        return call(origin, "/readyz")[0] == 200
    except Lost:
        return False


def test_what_one_gateway_was_told_the_other_knows(pair: list[Gateway]) -> None:
    first, second = (each.origin for each in pair)
    talk.register(first, "alice")
    signed_in = talk.sign_in(second, "alice")
    assert talk.me(first, signed_in["token"]) == "alice"
    assert told(first, REVOKE, t=signed_in["refreshToken"])["data"]["revokeToken"]
    refused = told(second, ME, token=signed_in["token"])
    assert refused["errors"][0]["extensions"]["reason"] == "TOKEN_INVALID"


@pytest.mark.parametrize("pair", [{"GATEWAY_LIMIT_SIGN_IN_ADDRESS": "6 in 5 minutes"}], indirect=True)
def test_limits_are_counted_together_and_by_the_address_that_the_proxy_saw(pair: list[Gateway], origin: str) -> None:
    def guess(number: int) -> str:
        forged = {"X-Forwarded-For": f"203.0.113.{number}", "X-Real-IP": f"203.0.113.{number}", "Forwarded": "for=::1"}
        answer = told(origin, SIGN_IN, n=f"nobody{number}", p="a wrong guess", headers=forged)
        return answer["errors"][0]["extensions"]["code"]

    assert [guess(number) for number in range(9)] == ["INVALID_CREDENTIALS"] * 6 + ["RATE_LIMITED"] * 3
    # Both had their share, whenever the proxy thought of them, and whenever their lines are written.
    wait_for(lambda: guess(9) == "RATE_LIMITED" and all(guesses(each) for each in pair))
    assert {line["client"] for each in pair for line in guesses(each)} == {"127.0.0.1"}


def guesses(gateway: Gateway) -> list[dict[str, Any]]:
    """What its log says about them."""
    lines = [json.loads(line) for line in gateway.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("operation") == "-" and line["path"] == "/graphql"]


@pytest.mark.parametrize("size", [150_000, 300_000])
def test_a_body_that_is_too_large_is_refused_in_json_by_whoever_refuses_it(origin: str, size: int) -> None:
    status, kind, content = call(origin, "/graphql", b" " * size)
    assert (status, kind.partition(";")[0]) == (413, "application/json")
    assert json.loads(content)["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


def test_without_any_gateway_the_proxy_says_so_in_json(pair: list[Gateway], origin: str) -> None:
    for each in pair:
        each.kill()
    answer = told(origin, ME)
    assert answer["errors"][0]["extensions"] == {"code": "SERVICE_UNAVAILABLE", "retryAfter": 5}
    for each in pair:
        each.start()
        each.await_ready()
    wait_for(lambda: answers(origin))


def test_f04_a_rolling_restart_loses_no_call(pair: list[Gateway], origin: str) -> None:
    with Storm(origin, people=4).raging() as storm:
        for each in pair:
            storm.await_progress()
            assert each.stop() == 0
            storm.await_progress()
            each.start()
            each.await_ready()
        storm.await_progress()
        assert storm.lost() == 0, storm.told
    storm.audit(origin)
