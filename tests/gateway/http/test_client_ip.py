"""The client IP address behind any number of proxies."""

from typing import Any

import pytest

from gateway.http import client_ip

SPOOFED = "198.51.100.66"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "remote", "found"),
    [
        pytest.param(0, None, "192.0.2.1", "192.0.2.1", id="no proxy"),
        pytest.param(0, SPOOFED, "192.0.2.1", "192.0.2.1", id="no proxy, a forged header"),
        pytest.param(1, "192.0.2.1", "10.0.0.1", "192.0.2.1", id="one proxy"),
        pytest.param(1, f"{SPOOFED}, 192.0.2.1", "10.0.0.1", "192.0.2.1", id="one proxy, a forged header"),
        pytest.param(1, f"{SPOOFED},,192.0.2.1 ,", "10.0.0.1", "192.0.2.1", id="one proxy, empty hops"),
        pytest.param(2, "192.0.2.1, 10.0.0.2", "10.0.0.1", "192.0.2.1", id="two proxies"),
        pytest.param(2, f"{SPOOFED}, 192.0.2.1, 10.0.0.2", "10.0.0.1", "192.0.2.1", id="two proxies, a forged header"),
        pytest.param(3, "192.0.2.1", "10.0.0.1", "192.0.2.1", id="fewer hops than proxies"),
        pytest.param(1, None, "10.0.0.1", "10.0.0.1", id="past the proxy"),
        pytest.param(1, "2001:DB8::1", "10.0.0.1", "2001:db8::1", id="IPv6 in its one form"),
        pytest.param(1, "fe80::1%eth0", "10.0.0.1", "fe80::1", id="IPv6 without its zone"),
        pytest.param(1, "192.0.2.1:4444", "10.0.0.1", "192.0.2.1", id="a port behind it"),
        pytest.param(1, "[2001:db8::1]:4444", "10.0.0.1", "2001:db8::1", id="a port behind IPv6"),
        pytest.param(1, "[2001:db8::1]", "10.0.0.1", "2001:db8::1", id="IPv6 in brackets"),
        pytest.param(1, "unknown", "10.0.0.1", "10.0.0.1", id="no address, so the proxy's"),
        pytest.param(1, "192.0.2.1\x00", "10.0.0.1", "10.0.0.1", id="with a NUL"),
        pytest.param(0, None, "", None, id="a socket that is a file"),
        pytest.param(0, None, None, None, id="nothing"),
    ],
)
def test_s26_client_ip_comes_from_trusted_proxies_only(
    settings: Any, proxies: int, forwarded: str | None, remote: str | None, found: str | None
) -> None:
    settings.GATEWAY_TRUSTED_PROXIES = proxies
    meta = {"HTTP_X_FORWARDED_FOR": forwarded, "REMOTE_ADDR": remote, "HTTP_X_REAL_IP": SPOOFED}
    meta |= {"HTTP_FORWARDED": f"for={SPOOFED}", "HTTP_CLIENT_IP": SPOOFED}
    assert client_ip.get_client_ip({name: value for name, value in meta.items() if value is not None}) == found


def test_too_long_address_is_refused_and_not_cached() -> None:
    before = client_ip._cached_parse.cache_info().currsize
    assert client_ip.get_client_ip({"REMOTE_ADDR": "fe80::1%" + "x" * 200}) is None
    assert client_ip._cached_parse.cache_info().currsize == before
