"""Reads the environment: typed values, and one clear line where a value will not do."""

import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

# Every name that was asked for: the README's table is held against it.
names: set[str] = set()


def load(file: Path) -> None:
    """Take what a `.env` file says, where there is one; the environment itself wins."""
    if file.is_file():
        environ.Env.read_env(file)


def read(name: str, parse: Callable[[str], T], default: T, *, secret: bool = False) -> T:
    """The parsed value of a variable, or the default where it is unset or empty."""
    names.add(name)
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    try:
        return parse(text)
    except ValueError:
        shown = "(not shown, it is a secret)" if secret else repr(text)
        raise ImproperlyConfigured(f"{name}={shown}: expected {parse.__doc__}.") from None


def require(**expected: str) -> None:
    """Stop the start where any of these is unset, and name them all at once."""
    missing = [f"{name} ({what})" for name, what in expected.items() if not os.environ.get(name, "").strip()]
    if missing:
        raise ImproperlyConfigured(f"DJANGO_DEBUG=0 needs {', '.join(missing)}.")


# Parsers: the docstring is what the refusal says was expected.


def text(value: str) -> str:
    """a text"""
    return value


def switch(value: str) -> bool:
    """on or off"""
    if value.lower() in {"1", "on", "true", "yes"}:
        return True
    if value.lower() in {"0", "off", "false", "no"}:
        return False
    raise ValueError


def count(value: str) -> int:
    """a whole number, 1 or more"""
    if int(value) < 1:
        raise ValueError
    return int(value)


def natural(value: str) -> int:
    """a whole number, 0 or more"""
    if int(value) < 0:
        raise ValueError
    return int(value)


def port(value: str) -> int:
    """a port, 1 to 65535"""
    if not 1 <= int(value) <= 65_535:
        raise ValueError
    return int(value)


def port_or_none(value: str) -> int:
    """a port, 1 to 65535, or 0 for none"""
    return port(value) if value != "0" else 0


def duration(value: str) -> timedelta:
    """a duration such as 30s, 5m, 12h or 7d"""
    parts = re.fullmatch(r"(\d{1,6})([smhd])", value)
    if parts is None or int(parts[1]) == 0:
        raise ValueError
    return timedelta(**{UNITS[parts[2]]: int(parts[1])})


def rates(value: str) -> list[tuple[int, timedelta]]:
    """limits such as 5 in 5 minutes, separated by commas"""
    parts = [re.fullmatch(r"(\d{1,6}) in (\d{1,6}) (second|minute|hour|day)s?", each) for each in words(value)]
    if not parts or not all(part and int(part[1]) and int(part[2]) for part in parts):
        raise ValueError
    return [(int(part[1]), timedelta(**{f"{part[3]}s": int(part[2])})) for part in parts if part]


def words(value: str) -> list[str]:
    """a list, separated by commas"""
    return [word.strip() for word in value.split(",") if word.strip()]


def origins(value: str) -> list[str]:
    """a list of origins such as https://app.example, separated by commas"""
    for origin in words(value):
        parts = urlsplit(origin)
        if origin != "*" and (not parts.netloc or origin != f"{parts.scheme}://{parts.netloc}"):
            raise ValueError
    return words(value)


def link(value: str) -> str:
    """an address such as https://app.example/verify#token={token}, with {token} in it"""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or value.count("{token}") != 1:
        raise ValueError
    return value


def url(value: str) -> str:
    """an address such as https://app.example"""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise ValueError
    return value


def subset(*allowed: str) -> Callable[[str], list[str]]:
    """A parser of lists whose every word is one of the allowed."""

    def parse(value: str) -> list[str]:
        if not set(words(value)) <= set(allowed):
            raise ValueError
        return words(value)

    parse.__doc__ = f"a list, separated by commas, of {', '.join(allowed)}"
    return parse


def one_of(*allowed: str) -> Callable[[str], str]:
    """A parser of one of the allowed words."""

    def parse(value: str) -> str:
        if value not in allowed:
            raise ValueError
        return value

    parse.__doc__ = f"one of {', '.join(allowed)}"
    return parse
