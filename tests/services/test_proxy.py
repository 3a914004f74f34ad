"""Gateways behind a real nginx with the configuration of compose.yaml."""

import http.client
import json
import ssl
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
from tests.services.certificate import write_certificate
from tests.services.conftest import NEEDS_SERVER

pytestmark = pytest.mark.skipif(not proxy.NGINX, reason="nginx is not installed (apt-get install nginx-light)")
PROXIED = {
    "GATEWAY_TRUSTED_PROXIES": "1",
    # Longer than the proxy's fail_timeout, after which it tries a gateway again.
    "GATEWAY_SHUTDOWN_DELAY": "3",
    "DJANGO_DEBUG": "0",
    "ALLOWED_HOSTS": "127.0.0.1",
    "GATEWAY_ISSUER": "https://gateway.example",
}


@pytest.fixture
def pair(gateway_settings: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[list[Gateway]]:
    """Two gateways on one database."""
    if connection.vendor == "sqlite":
        pytest.skip(NEEDS_SERVER)
    settings = {**QUIET, **gateway_settings, **PROXIED, **getattr(request, "param", {})}
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
    """Return whether the gateway answers."""
    try:
        return call(origin, "/readyz")[0] == 200
    except Lost:
        return False


def test_gateways_share_their_state(pair: list[Gateway]) -> None:
    first, second = (each.origin for each in pair)
    talk.register(first, "alice")
    signed_in = talk.sign_in(second, "alice")
    assert talk.me(first, signed_in["token"]) == "alice"
    assert told(first, REVOKE, t=signed_in["refreshToken"])["data"]["revokeToken"]
    refused = told(second, ME, token=signed_in["token"])
    assert refused["errors"][0]["extensions"]["reason"] == "TOKEN_INVALID"


@pytest.mark.parametrize("pair", [{"GATEWAY_LIMIT_SIGN_IN_ADDRESS": "6 in 5 minutes"}], indirect=True)
def test_gateways_share_limits_and_count_the_address_that_the_proxy_saw(pair: list[Gateway], origin: str) -> None:
    def guess(number: int) -> str:
        forged = {"X-Forwarded-For": f"203.0.113.{number}", "X-Real-IP": f"203.0.113.{number}", "Forwarded": "for=::1"}
        answer = told(origin, SIGN_IN, n=f"nobody{number}", p="a wrong guess", headers=forged)
        return answer["errors"][0]["extensions"]["code"]

    assert [guess(number) for number in range(9)] == ["INVALID_CREDENTIALS"] * 6 + ["RATE_LIMITED"] * 3
    # Both had their share, whenever the proxy thought of them, and whenever their lines are written.
    wait_for(lambda: guess(9) == "RATE_LIMITED" and all(guesses(each) for each in pair))
    assert {line["client"] for each in pair for line in guesses(each)} == {"127.0.0.1"}


def guesses(gateway: Gateway) -> list[dict[str, Any]]:
    """Return the client addresses in the gateway's log."""
    lines = [json.loads(line) for line in gateway.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "request" and line["path"] == "/graphql"]


@pytest.mark.parametrize("size", [150_000, 300_000])
def test_too_large_body_is_refused_in_json_by_proxy_and_gateway(origin: str, size: int) -> None:
    status, kind, content = call(origin, "/graphql", b" " * size)
    assert (status, kind.partition(";")[0]) == (413, "application/json")
    assert json.loads(content)["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


def test_proxy_answers_in_json_without_a_gateway(pair: list[Gateway], origin: str) -> None:
    for each in pair:
        each.kill()
    answer = told(origin, ME)
    assert answer["errors"][0]["extensions"] == {"code": "SERVICE_UNAVAILABLE", "retryAfter": 5}
    for each in pair:
        each.start()
        each.await_ready()
    wait_for(lambda: answers(origin))


def test_f04_rolling_restart_loses_no_request(pair: list[Gateway], origin: str) -> None:
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


# --- TLS, and a proxy before nginx ---------------------------------------------------------------

APP = "https://app.example"
REGISTER = """mutation ($n: String!, $e: String!, $p: String!) {
    register(username: $n, email: $e, password: $p) { refreshToken } }"""
REFRESH = "mutation { refreshToken { token } }"


@pytest.fixture
def single(tmp_path: Path) -> Iterator[Gateway]:
    """One gateway in cookie mode, in production."""
    settings = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
        "GATEWAY_REFRESH_COOKIE": "on",
        "CORS_ALLOWED_ORIGINS": APP,
    }
    with Gateway(tmp_path, **QUIET, **PROXIED, **settings) as gateway:
        yield gateway


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    return write_certificate(tmp_path)


@pytest.fixture
def tls_port(single: Gateway, certificate: tuple[Path, Path], tmp_path: Path) -> Iterator[int]:
    """The port at which nginx speaks TLS."""
    port, tls_port = free_ports(2)
    paths = {"TLS_CERTIFICATE": str(certificate[0]), "TLS_KEY": str(certificate[1])}
    with proxy.proxying(tmp_path, [single.origin], port, tls_port, **paths) as origin:
        wait_for(lambda: answers(origin))
        yield tls_port


@pytest.fixture
def plain_port(single: Gateway, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[int]:
    """The port at which nginx speaks HTTP, without TLS variables. The parameter is TRUSTED_PROXY."""
    (port,) = free_ports(1)
    with proxy.proxying(tmp_path, [single.origin], port, TRUSTED_PROXY=request.param) as origin:
        wait_for(lambda: answers(origin))
        yield port


def post(
    connection: http.client.HTTPConnection, query: str, headers: dict[str, str] | None = None, **variables: str
) -> tuple[http.client.HTTPResponse, dict[str, Any]]:
    """Send an operation. Return the response and its JSON."""
    body = json.dumps({"query": query, "variables": variables})
    connection.request("POST", "/graphql", body, {"Content-Type": "application/json", **(headers or {})})
    response = connection.getresponse()
    content = json.loads(response.read())
    connection.close()
    return response, content


def clients(gateway: Gateway) -> set[str]:
    """Return the client addresses in the access log."""
    lines = [json.loads(line) for line in gateway.log.read_text().splitlines() if line.startswith("{")]
    return {line["client"] for line in lines if line.get("path") == "/graphql"}


def test_s74_cookie_mode_works_through_tls(tls_port: int, certificate: tuple[Path, Path]) -> None:
    trust = ssl.create_default_context(cafile=certificate[0])
    connection = http.client.HTTPSConnection("127.0.0.1", tls_port, context=trust, timeout=10)
    # A client that claims plain HTTP does not change what nginx saw.
    headers = {"Origin": APP, "X-Forwarded-Proto": "http"}
    response, content = post(connection, REGISTER, headers, n="alice", e="alice@example.com", p="a fine long sentence")
    assert content == {"data": {"register": {"refreshToken": ""}}}
    assert response.getheader("Strict-Transport-Security")
    cookie = response.getheader("Set-Cookie") or ""
    assert cookie.startswith("__Host-refresh-token=")
    assert "Secure" in cookie
    pair = {"Cookie": cookie.partition(";")[0]}
    _, content = post(connection, REFRESH, {"Origin": APP, **pair})
    assert content["data"]["refreshToken"]["token"]
    # Pages of the gateway itself may use the cookie. Their origin is https.
    for scheme, code in (("http", "FORBIDDEN"), ("https", None)):
        own = {"Origin": f"{scheme}://127.0.0.1:{tls_port}", **pair}
        _, content = post(connection, "mutation { revokeToken { revoked } }", own)
        assert content.get("errors", [{"extensions": {"code": None}}])[0]["extensions"]["code"] == code


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_versions_are_refused(tls_port: int, version: ssl.TLSVersion) -> None:
    context = ssl._create_unverified_context()
    context.minimum_version = context.maximum_version = version
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    connection = http.client.HTTPSConnection("127.0.0.1", tls_port, context=context, timeout=10)
    with pytest.raises(ssl.SSLError):
        connection.request("GET", "/healthz")


@pytest.mark.parametrize("plain_port", ["", "192.0.2.7", "192.0.2.0/24"], indirect=True)
def test_s73_forwarded_headers_of_a_client_are_ignored(plain_port: int, single: Gateway) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", plain_port, timeout=10)
    forged = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https", "X-Real-IP": "198.51.100.7"}
    response, content = post(connection, "{ __typename }", forged)
    assert content == {"data": {"__typename": "Query"}}
    assert not response.getheader("Strict-Transport-Security")
    wait_for(lambda: clients(single) == {"127.0.0.1"})


@pytest.mark.parametrize("plain_port", ["127.0.0.1", "127.0.0.0/8"], indirect=True)
def test_s73_forwarded_headers_of_the_trusted_proxy_are_kept(plain_port: int, single: Gateway) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", plain_port, timeout=10)
    # The client sent the first address. The trusted proxy appended the second.
    forwarded = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7", "X-Forwarded-Proto": "https", "Origin": APP}
    response, content = post(connection, REGISTER, forwarded, n="bob", e="bob@example.com", p="a fine long sentence")
    assert content == {"data": {"register": {"refreshToken": ""}}}
    assert response.getheader("Strict-Transport-Security")
    wait_for(lambda: clients(single) == {"198.51.100.7"})


@pytest.mark.parametrize("plain_port", ["127.0.0.1"], indirect=True)
@pytest.mark.parametrize("proto", ["", "ftp", "https, http", "http"])
def test_only_https_of_the_trusted_proxy_counts_as_https(plain_port: int, proto: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", plain_port, timeout=10)
    response, _ = post(connection, "{ __typename }", {"X-Forwarded-Proto": proto} if proto else {})
    assert not response.getheader("Strict-Transport-Security")


@pytest.mark.parametrize("plain_port", [""], indirect=True)
def test_s94_nginx_bounds_headers_and_the_url(plain_port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", plain_port, timeout=10)
    for headers in ({"Authorization": "a" * 9_000}, {f"X-{number}": "a" * 1_000 for number in range(50)}):
        response, content = post(connection, "{ __typename }", headers)
        assert (response.status, content["errors"][0]["extensions"]["code"]) == (431, "BAD_REQUEST")
    connection.request("GET", f"/graphql?query={'a' * 9_000}")
    assert connection.getresponse().status == 431
