"""The RP id of passkeys, and the origins whose pages may use them."""

from collections.abc import Iterable
from urllib.parse import urlsplit


def is_below(origin: str, rp_id: str) -> bool:
    """Return whether the host of the origin is the RP id or a subdomain of it."""
    host = urlsplit(origin).hostname or ""
    return host == rp_id or host.endswith(f".{rp_id}")


def default_origins(rp_id: str, urls: Iterable[str]) -> list[str]:
    """Return the origins of these URLs that can use the passkeys of the RP id."""
    origins = dict.fromkeys(map(_origin, urls))
    return [origin for origin in origins if rp_id and is_usable(origin) and is_below(origin, rp_id)]


def is_usable(origin: str) -> bool:
    """Return whether a page can have this origin, in this spelling, and browsers let it use passkeys."""
    parts = urlsplit(origin)
    is_trusted = parts.scheme == "https" or (parts.scheme == "http" and is_localhost(parts.hostname or ""))
    return is_trusted and origin == _origin(origin) and not (parts.hostname or "").endswith(".")


def is_localhost(host: str) -> bool:
    """Return whether browsers trust the host without HTTPS."""
    return host == "localhost" or host.endswith(".localhost")


def _origin(url: str) -> str:
    # The spelling of browsers: in lower case, without the default port. Empty for a URL that has no origin.
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    is_default = port == {"https": 443, "http": 80}.get(parts.scheme)
    return f"{parts.scheme}://{parts.hostname or ''}{'' if port is None or is_default else f':{port}'}"
