"""The IP address of a client, as the trusted proxies saw it."""

import re
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any

from django.conf import settings

CACHE_SIZE = 1_024
# Longer than any address with a port and a zone. Longer texts are not cached, so that clients cannot fill the memory.
MAX_LENGTH = 100


def get_client_ip(meta: Mapping[str, Any]) -> str | None:
    """Return the IP address in front of GATEWAY_TRUSTED_PROXIES proxies, or None if there is no valid one."""
    hops = [hop.strip() for hop in meta.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    addresses = [*hops, meta.get("REMOTE_ADDR", "")]
    # Each trusted proxy appends one hop. A client can forge the hops to the left of those.
    address = addresses[max(0, len(addresses) - 1 - settings.GATEWAY_TRUSTED_PROXIES)]
    return _parse(address) or _parse(meta.get("REMOTE_ADDR", ""))


def _parse(address: str) -> str | None:
    return _cached_parse(address) if len(address) <= MAX_LENGTH else None


@lru_cache(maxsize=CACHE_SIZE)
def _cached_parse(address: str) -> str | None:
    # Some proxies append a port: `192.0.2.1:4444`, `[2001:db8::1]:4444`.
    with_port = re.fullmatch(r"\[(.+)\](?::\d+)?|([\d.]+):\d+", address)
    host = (with_port[1] or with_port[2]) if with_port else address
    try:
        # Without its zone (`fe80::1%eth0`), which databases refuse.
        parsed = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    # A dual-stack socket writes IPv4 as `::ffff:192.0.2.1`. All such addresses would share the limits of one /64.
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return str(mapped or parsed)
