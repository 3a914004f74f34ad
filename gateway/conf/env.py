"""Typed settings from environment variables. An invalid value or name stops the start with one line."""

import os
import re
from collections.abc import Callable
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
# Ten years: dates that far from now are still valid for Python and for every database.
MAX_DURATION = timedelta(days=3650)
# Larger numbers overflow timers and sockets.
MAX_NUMBER = 1_000_000_000

DOMAIN_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
MAX_DOMAIN_LENGTH = 253

PREFIX = "GATEWAY_"
RENAMED = {
    "GATEWAY_STOP_NOTICE": "GATEWAY_SHUTDOWN_DELAY",
    "GATEWAY_HASHES_AT_ONCE": "GATEWAY_MAX_CONCURRENT_HASHES",
    "GATEWAY_HASHES_WAITING": "GATEWAY_HASH_QUEUE",
    "GATEWAY_LIMIT_REFRESH_RUBBISH": "GATEWAY_LIMIT_INVALID_REFRESH",
    "GATEWAY_LIMIT_CHANGE_PASSWORD": "GATEWAY_LIMIT_OWN_PASSWORD",
}
# Clients of the gateway read these.
OTHER_VARIABLES = {"GATEWAY_ORIGIN", "GATEWAY_SCHEMA"}
# Kubernetes adds these to every container when a service is called `gateway` or `gateway-...`.
SERVICE_LINK = re.compile(r"GATEWAY_(\w+_)?(SERVICE_(HOST|PORT)(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)")

# The names of all settings that were read.
names: set[str] = set()


def load_file(file: Path) -> None:
    """Add the variables of a `.env` file to the environment, if the file exists. Variables that are set stay."""
    if file.is_file():
        environ.Env.read_env(file)


def read(name: str, parse: Callable[[str], T], default: T, *, secret: bool = False) -> T:
    """Return the parsed value of a variable, or the default if the variable is unset or empty."""
    names.add(name)
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    try:
        return parse(text)
    except ValueError:
        value = "(not shown, it is a secret)" if secret else repr(text)
        raise ImproperlyConfigured(f"{name}={value}: expected {parse.__doc__}.") from None


def require(**hints: str) -> None:
    """Raise ImproperlyConfigured if variables are unset or empty. Each hint tells how to set one."""
    missing = [name for name in hints if not os.environ.get(name, "").strip()]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        advice = " ".join(f"{hints[name]}." for name in missing)
        raise ImproperlyConfigured(f"{', '.join(missing)} {verb} required when DJANGO_DEBUG is off. {advice}")


def refuse_unknown() -> None:
    """Raise ImproperlyConfigured for GATEWAY_ variables that no setting has read. Call it after the last `read`."""
    variables = {name for name, value in os.environ.items() if name.startswith(PREFIX) and value.strip()}
    unknown = sorted(name for name in variables - names - OTHER_VARIABLES if not _is_service_link(name))
    if unknown:
        raise ImproperlyConfigured(" ".join(map(_correction, unknown)))


def _is_service_link(name: str) -> bool:
    return bool(SERVICE_LINK.fullmatch(name)) or (name.endswith("_PORT") and os.environ[name].startswith("tcp://"))


def _correction(name: str) -> str:
    if name in RENAMED:
        return f"{name} is now {RENAMED[name]}."
    # Without the prefix, which all names share, and so that GATEWAY_SECRET_KEY finds SECRET_KEY.
    known = {each.removeprefix(PREFIX): each for each in names}
    nearest = get_close_matches(name.removeprefix(PREFIX), known, n=1)
    advice = f"Did you mean {known[nearest[0]]}?" if nearest else "docs/settings.md lists all settings."
    return f"{name} is not a setting. {advice}"


# Parsers. An error message shows the docstring after "expected".


def text(value: str) -> str:
    """any text"""
    return value


def switch(value: str) -> bool:
    """on or off"""
    if value.lower() in {"1", "on", "true", "yes"}:
        return True
    if value.lower() in {"0", "off", "false", "no"}:
        return False
    raise ValueError


def count(value: str) -> int:
    """a whole number from 1 to 1000000000"""
    if not 1 <= int(value) <= MAX_NUMBER:
        raise ValueError
    return int(value)


def natural(value: str) -> int:
    """a whole number from 0 to 1000000000"""
    if not 0 <= int(value) <= MAX_NUMBER:
        raise ValueError
    return int(value)


def port(value: str) -> int:
    """a port from 1 to 65535"""
    if not 1 <= int(value) <= 65_535:
        raise ValueError
    return int(value)


def port_or_zero(value: str) -> int:
    """a port from 1 to 65535, or 0 for no port"""
    return port(value) if value != "0" else 0


def duration(value: str) -> timedelta:
    """a duration such as 30s, 5m, 12h or 7d, at most 3650d"""
    parts = re.fullmatch(r"(\d{1,9})([smhd])", value)
    if parts is None or int(parts[1]) == 0:
        raise ValueError
    return _check_maximum(timedelta(**{UNITS[parts[2]]: int(parts[1])}))


def rates(value: str) -> list[tuple[int, timedelta]]:
    """rates such as 5 in 5 minutes, separated by commas, in at most 3650 days"""
    parts = [re.fullmatch(r"(\d{1,6}) in (\d{1,6}) (second|minute|hour|day)s?", each) for each in words(value)]
    if not parts or not all(part and int(part[1]) and int(part[2]) for part in parts):
        raise ValueError
    return [(int(part[1]), _check_maximum(timedelta(**{f"{part[3]}s": int(part[2])}))) for part in parts if part]


def _check_maximum(value: timedelta) -> timedelta:
    if value > MAX_DURATION:
        raise ValueError
    return value


def words(value: str) -> list[str]:
    """a list separated by commas"""
    return [word.strip() for word in value.split(",") if word.strip()]


def origins(value: str) -> list[str]:
    """a list of origins such as https://app.example, separated by commas"""
    for origin in words(value):
        parts = urlsplit(origin)
        if origin != "*" and (not parts.netloc or origin != f"{parts.scheme}://{parts.netloc}"):
            raise ValueError
    return words(value)


def link(value: str) -> str:
    """a URL such as https://app.example/verify#token={token}, with {token} once"""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or value.count("{token}") != 1:
        raise ValueError
    return value


def url(value: str) -> str:
    """a URL such as https://app.example"""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise ValueError
    return value


def domain(value: str) -> str:
    """a domain such as example.com, in lower case, without scheme and port"""
    labels = value.split(".")
    if value != "localhost" and (len(labels) < 2 or labels[-1].isdigit()):
        raise ValueError
    if len(value) > MAX_DOMAIN_LENGTH or not all(DOMAIN_LABEL.fullmatch(label) for label in labels):
        raise ValueError
    return value


def subset(*allowed: str) -> Callable[[str], list[str]]:
    """Return a parser of lists that accepts only the allowed words."""

    def parse(value: str) -> list[str]:
        if not set(words(value)) <= set(allowed):
            raise ValueError
        return words(value)

    parse.__doc__ = f"a list, separated by commas, of {', '.join(allowed)}"
    return parse


def one_of(*allowed: str) -> Callable[[str], str]:
    """Return a parser that accepts one of the allowed words."""

    def parse(value: str) -> str:
        if value not in allowed:
            raise ValueError
        return value

    parse.__doc__ = f"one of {', '.join(allowed)}"
    return parse
