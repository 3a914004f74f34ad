"""The RP id, and which origins can use its passkeys."""

import os
import runpy
from pathlib import Path
from typing import Any

import pytest

from gateway.conf import env
from gateway.conf.passkeys import default_origins, is_below, is_usable

SETTINGS = Path(__file__).parents[3] / "gateway" / "settings.py"
PRODUCTION = {"SECRET_KEY": "s" * 50, "ALLOWED_HOSTS": "auth.example.com", "DATABASE_URL": "sqlite:///:memory:"}


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, Any]:
    """Return the settings of a new process with only these variables."""
    for name in env.names:
        monkeypatch.delenv(name, raising=False)
    for name, value in {"GATEWAY_ENV_FILE": os.devnull, **variables}.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(SETTINGS))


@pytest.mark.parametrize("value", ["example.com", "auth.example.com", "xn--bcher-kva.example", "localhost", "a-b.de"])
def test_domain_is_accepted(value: str) -> None:
    assert env.domain(value) == value


@pytest.mark.parametrize(
    "value",
    [
        "https://example.com",
        "example.com:443",
        "example.com/",
        "Example.com",
        "example.com.",
        ".example.com",
        "com",
        "bücher.example",
        "192.0.2.1",
        "-a.example",
        "a_b.example",
        f"{'a' * 64}.example",
        ".".join(["a" * 60] * 5),
    ],
)
def test_other_values_are_no_domain(value: str) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        env.domain(value)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("https://example.com", True),
        ("https://app.example.com:8443", True),
        ("https://evil-example.com", False),
        ("https://example.com.evil.test", False),
        ("https://com", False),
    ],
)
def test_origin_is_below_the_rp_id(origin: str, expected: bool) -> None:
    assert is_below(origin, "example.com") == expected


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("https://example.com", True),
        ("https://example.com:8443", True),
        ("http://localhost", True),
        ("http://localhost:5173", True),
        ("http://app.localhost:5173", True),
        ("http://example.com", False),
        ("http://127.0.0.1:5173", False),
        ("https://example.com:443", False),
        ("http://localhost:80", False),
        ("https://Example.com", False),
        ("https://example.com.", False),
        ("https://example.com/", False),
        ("https://example.com:x", False),
        ("https://user@example.com", False),
        ("app://example.com", False),
        ("*", False),
        ("", False),
    ],
)
def test_origin_is_usable(origin: str, expected: bool) -> None:
    assert is_usable(origin) == expected


def test_default_origins_are_those_below_the_rp_id_in_the_spelling_of_browsers() -> None:
    urls = [
        "https://auth.example.com/tenant",
        "https://App.example.com:443",
        "https://other.example",
        "http://example.com",
    ]
    assert default_origins("example.com", [*urls, urls[0]]) == ["https://auth.example.com", "https://app.example.com"]
    assert default_origins("", urls) == []


def test_passkeys_are_on_for_localhost_in_development(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(
        monkeypatch, DJANGO_DEBUG="1", PORT="9000", CORS_ALLOWED_ORIGINS="http://localhost:1,http://127.0.0.1:1"
    )
    assert settings["GATEWAY_PASSKEY_RP_ID"] == "localhost"
    assert settings["GATEWAY_PASSKEY_ORIGINS"] == ["http://localhost:9000", "http://localhost:1"]


def test_passkeys_are_off_in_production_without_an_rp_id(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, **PRODUCTION)
    assert settings["GATEWAY_PASSKEY_RP_ID"] == ""
    assert settings["GATEWAY_PASSKEY_ORIGINS"] == []


def test_origins_of_production_are_the_gateway_and_allowed_origins_below_the_rp_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cors = "https://app.example.com,https://other.example"
    settings = read(monkeypatch, **PRODUCTION, GATEWAY_PASSKEY_RP_ID="example.com", CORS_ALLOWED_ORIGINS=cors)
    assert settings["GATEWAY_PASSKEY_ORIGINS"] == ["https://auth.example.com", "https://app.example.com"]
