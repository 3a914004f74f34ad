"""The client's address: what the proxies that we trust saw, never what the client says."""

import re
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any

from django.conf import settings

# Longer than any address, its port and the name of its zone; what is remembered must not grow with what is sent.
LONGEST = 100


def of_client(meta: Mapping[str, Any]) -> str | None:
    """The address behind as many proxies as `GATEWAY_TRUSTED_PROXIES` counts."""
    hops = [hop.strip() for hop in meta.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    seen = [*hops, meta.get("REMOTE_ADDR", "")]
    # Each trusted proxy appended one hop; all that stands further left is the client's own writing.
    address = seen[max(0, len(seen) - 1 - settings.GATEWAY_TRUSTED_PROXIES)]
    return _clean(address) or _clean(meta.get("REMOTE_ADDR", ""))


def _clean(address: str) -> str | None:
    return _parsed(address) if len(address) <= LONGEST else None


@lru_cache(maxsize=1_024)
def _parsed(address: str) -> str | None:
    # Some proxies write a port behind it: `192.0.2.1:4444`, `[2001:db8::1]:4444`.
    with_port = re.fullmatch(r"\[(.+)\](?::\d+)?|([\d.]+):\d+", address)
    bare = (with_port[1] or with_port[2]) if with_port else address
    try:
        # Without its zone (`fe80::1%eth0`), which no database takes for an address.
        found = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    # A socket for both families writes IPv4 as `::ffff:192.0.2.1`: one /64 for all the world.
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found)
