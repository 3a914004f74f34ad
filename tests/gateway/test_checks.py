"""The system checks."""

import inspect
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.checks.registry import registry

from gateway import checks
from gateway.graphql import persisted
from users.crypto import signing_keys as crypto_keys

HOUR = timedelta(hours=1)


def error_ids(check: Callable[..., Any]) -> list[str]:
    return [found.id for found in check()]


def test_default_settings_pass_the_checks() -> None:
    assert not [found for found in run_checks() if (found.id or "").startswith("gateway.")]


def test_every_check_is_registered_and_every_id_is_unique() -> None:
    functions = {check for name, check in inspect.getmembers(checks, inspect.isfunction) if name.startswith("check_")}
    assert len(functions) > 15
    assert functions <= registry.registered_checks
    ids = re.findall(r'"(gateway\.E\d{3})"', Path(checks.__file__).read_text())
    assert ids == sorted(set(ids))


@pytest.mark.parametrize(
    ("check", "name", "id"),
    [
        (checks.check_atomic_requests, "ATOMIC_REQUESTS", "gateway.E001"),
        (checks.check_atomic_mutations, "ATOMIC_MUTATIONS", "gateway.E009"),
    ],
)
def test_atomic_requests_and_mutations_are_refused_for_every_database(
    monkeypatch: pytest.MonkeyPatch, check: Callable[..., Any], name: str, id: str
) -> None:
    databases = {"default": {name: False}, "other": {name: True}}
    monkeypatch.setattr(checks, "settings", SimpleNamespace(DATABASES=databases, GRAPHENE={}))
    assert error_ids(check) == [id]
    databases["other"][name] = False
    assert error_ids(check) == []


def test_atomic_mutations_setting_of_graphene_is_error_ids(settings: Any) -> None:
    settings.GRAPHENE = {**settings.GRAPHENE, "ATOMIC_MUTATIONS": True}
    assert error_ids(checks.check_atomic_mutations) == ["gateway.E009"]


@pytest.mark.parametrize(
    ("everyone", "credentials", "found"),
    [(True, True, ["gateway.E002"]), (True, False, []), (False, True, []), (False, False, [])],
)
def test_s76_wildcard_origin_with_credentials_is_error_ids(
    settings: Any, everyone: bool, credentials: bool, found: list[str]
) -> None:
    settings.CORS_ALLOW_ALL_ORIGINS, settings.CORS_ALLOW_CREDENTIALS = everyone, credentials
    assert error_ids(checks.check_wildcard_with_credentials) == found


@pytest.mark.parametrize(
    ("secret", "fallbacks", "found"),
    [
        ("x" * 50, [], []),
        ("x" * 50, ["y" * 50], []),
        ("x" * 49, [], ["gateway.E003"]),
        ("x" * 50, ["y" * 50, "z" * 49], ["gateway.E003"]),
    ],
)
def test_short_secret_is_error_ids(settings: Any, secret: str, fallbacks: list[str], found: list[str]) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = secret, fallbacks
    assert error_ids(checks.check_secret_length) == found


# --- signing keys --------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_valid_signing_keys_are_accepted(settings: Any, tmp_path: Path, algorithm: str) -> None:
    pem = crypto_keys.generate(algorithm)
    file = tmp_path / "key.pem"
    file.write_text(pem)
    settings.GATEWAY_SIGNING_ALGORITHM = algorithm
    for given in ("", pem, pem.replace("\n", "\\n"), str(file), pem + crypto_keys.generate("RS256")):
        settings.GATEWAY_SIGNING_KEYS = given
        assert error_ids(checks.check_signing_keys) == []


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        pytest.param("/nowhere/key.pem", "cannot be read", id="no file"),
        pytest.param("/", "cannot be read", id="a folder"),
        pytest.param("hunter2-hunter2", "cannot be read", id="no PEM"),
        pytest.param("x" * 9_000, "cannot be read", id="no file and no PEM"),
        pytest.param("a\x00b", "null byte", id="a NUL"),
        pytest.param("-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----", "PEM", id="a broken key"),
        pytest.param("-----BEGIN PRIVATE KEY-----\nhunter2", "PEM", id="a key cut short"),
        pytest.param("-----BEGIN PUBLIC KEY-----\nhunter2\n-----END PUBLIC KEY-----", "PEM", id="a public key"),
    ],
)
def test_unreadable_keys_are_refused_and_not_revealed(settings: Any, given: str, reason: str) -> None:
    settings.GATEWAY_SIGNING_KEYS = given
    (found,) = checks.check_signing_keys()
    assert found.id == "gateway.E004"
    assert found.msg.startswith("GATEWAY_SIGNING_KEYS: ")
    assert reason in found.msg
    assert "hunter2" not in found.msg


def test_binary_key_file_is_error_ids(settings: Any, tmp_path: Path) -> None:
    file = tmp_path / "key.der"
    file.write_bytes(b"\x30\x82\xff\xfe" * 40)
    settings.GATEWAY_SIGNING_KEYS = str(file)
    assert error_ids(checks.check_signing_keys) == ["gateway.E004"]


def test_first_key_must_match_the_algorithm(settings: Any) -> None:
    settings.GATEWAY_SIGNING_KEYS = crypto_keys.generate("EdDSA") + crypto_keys.generate("ES256")
    settings.GATEWAY_SIGNING_ALGORITHM = "ES256"
    assert error_ids(checks.check_signing_keys) == ["gateway.E005"]
    settings.GATEWAY_SIGNING_ALGORITHM = "EdDSA"
    assert error_ids(checks.check_signing_keys) == []


# --- other settings ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hosts", "debug", "found"),
    [
        (["*"], False, ["gateway.E006"]),
        (["a.example", "*"], False, ["gateway.E006"]),
        (["*"], True, []),
        (["a"], False, []),
    ],
)
def test_s77_wildcard_host_is_error_ids(settings: Any, hosts: list[str], debug: bool, found: list[str]) -> None:
    settings.ALLOWED_HOSTS, settings.DEBUG = hosts, debug
    assert error_ids(checks.check_allowed_hosts) == found


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"ACCESS_LIFETIME": timedelta(minutes=15)}, []),
        ({"ACCESS_LIFETIME": timedelta(minutes=15, seconds=1)}, ["gateway.E007"]),
        ({"ACCESS_LIFETIME": timedelta(seconds=5)}, ["gateway.E008"]),
        ({"REFRESH_GRACE": timedelta(minutes=6)}, ["gateway.E008"]),
        ({"REFRESH_IDLE": timedelta(minutes=4)}, ["gateway.E008"]),
        ({"REFRESH_IDLE": timedelta(days=31)}, ["gateway.E008"]),
        ({"REFRESH_ABSOLUTE": timedelta(days=6)}, ["gateway.E008"]),
        ({"ACCESS_LIFETIME": HOUR, "REFRESH_IDLE": HOUR / 2}, ["gateway.E007", "gateway.E008"]),
    ],
)
def test_s37_lifetimes_must_increase_and_access_tokens_are_short(
    settings: Any, changes: dict[str, timedelta], found: list[str]
) -> None:
    for name, value in changes.items():
        setattr(settings, f"GATEWAY_{name}", value)
    assert error_ids(checks.check_lifetimes) == found


@pytest.mark.parametrize(("length", "found"), [(7, ["gateway.E010"]), (8, []), (64, []), (65, ["gateway.E010"])])
def test_s08_minimum_password_length_is_at_least_eight(settings: Any, length: int, found: list[str]) -> None:
    settings.GATEWAY_PASSWORD_MIN_LENGTH = length
    assert error_ids(checks.check_password_length) == found


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ('{"abc": "{ __typename }"}', []),
        ('{"format": "x", "operations": [{"id": "abc", "body": "{ __typename }"}]}', []),
        (None, ["gateway.E011"]),
        ("", ["gateway.E011"]),
        ("{", ["gateway.E011"]),
        ("[]", ["gateway.E011"]),
        ("7", ["gateway.E011"]),
        ('{"operations": [{"id": "abc"}]}', ["gateway.E011"]),
        ('{"operations": 7}', ["gateway.E011"]),
    ],
)
def test_unreadable_trusted_documents_are_error_ids(
    settings: Any, tmp_path: Path, content: str | None, found: list[str]
) -> None:
    persisted.load_trusted.cache_clear()
    file = tmp_path / "trusted.json"
    if content is not None:
        file.write_text(content)
    settings.GATEWAY_TRUSTED_DOCUMENTS = str(file)
    assert error_ids(checks.check_trusted_documents) == found
    persisted.load_trusted.cache_clear()


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("", []),
        ("https://range.example/{prefix}", []),
        ("http://127.0.0.1:9000/{prefix}", []),
        ("http://range.example/{prefix}", ["gateway.E012"]),
        ("https://range.example/", ["gateway.E012"]),
        ("file:///etc/passwd?{prefix}", ["gateway.E012"]),
    ],
)
def test_breach_url_must_be_private(settings: Any, url: str, found: list[str]) -> None:
    settings.GATEWAY_BREACH_URL = url
    assert error_ids(checks.check_breach_url) == found


@pytest.mark.parametrize(("threads", "found"), [(5, ["gateway.E013"]), (6, ["gateway.E013"]), (7, [])])
def test_f16_threads_must_exceed_hashes(settings: Any, threads: int, found: list[str]) -> None:
    settings.GATEWAY_MAX_CONCURRENT_HASHES, settings.GATEWAY_HASH_QUEUE, settings.GATEWAY_THREADS = 2, 4, threads
    assert error_ids(checks.check_threads) == found


@pytest.mark.parametrize(
    ("url", "ids"),
    [("console", ["gateway.E017"]), ("filebased", ["gateway.E017"]), ("dummy", ["gateway.E017"]), ("smtp", [])],
)
def test_console_email_is_refused_in_production(settings: Any, url: str, ids: list[str]) -> None:
    settings.DEBUG = False
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{url}.EmailBackend"
    assert error_ids(checks.check_email_backend) == ids
    settings.DEBUG = True
    assert error_ids(checks.check_email_backend) == []


@pytest.mark.parametrize("name", ["GATEWAY_VERIFY_URL", "GATEWAY_RESET_URL", "GATEWAY_UNDO_URL", "GATEWAY_APP_URL"])
@pytest.mark.parametrize(
    ("url", "ids"),
    [
        ("http://app.example/?token={token}", ["gateway.E018"]),
        ("http://localhost:8000/account/verify#token={token}", []),
        ("https://app.example/?token={token}", []),
        ("http://localhost:3000/?token={token}", []),
    ],
)
def test_links_must_use_https(settings: Any, name: str, url: str, ids: list[str]) -> None:
    settings.DEBUG = True
    setattr(settings, name, url)
    assert error_ids(checks.check_page_urls) == []
    settings.DEBUG = False
    for other in {"GATEWAY_VERIFY_URL", "GATEWAY_RESET_URL", "GATEWAY_UNDO_URL"} - {name}:
        setattr(settings, other, "https://app.example/?token={token}")
    assert error_ids(checks.check_page_urls) == ids


@pytest.mark.parametrize(("minutes", "ids"), [(30, []), (60, []), (61, ["gateway.E019"])])
def test_s84_reset_lifetime_is_limited(settings: Any, minutes: int, ids: list[str]) -> None:
    settings.GATEWAY_RESET_LIFETIME = timedelta(minutes=minutes)
    assert error_ids(checks.check_reset_lifetime) == ids


@pytest.mark.parametrize(("port", "found"), [(8000, ["gateway.E020"]), (9101, []), (0, [])])
def test_s93_metrics_port_must_differ_from_the_public_port(settings: Any, port: int, found: list[str]) -> None:
    settings.PORT, settings.GATEWAY_METRICS_PORT = 8000, port
    assert error_ids(checks.check_metrics_port) == found


@pytest.mark.parametrize(
    ("host", "debug", "found"),
    [
        ("0.0.0.0", True, ["gateway.E021"]),
        ("::", True, ["gateway.E021"]),
        ("192.0.2.7", True, ["gateway.E021"]),
        ("gateway.example", True, ["gateway.E021"]),
        ("127.0.0.1", True, []),
        ("127.0.0.2", True, []),
        ("::1", True, []),
        ("localhost", True, []),
        ("0.0.0.0", False, []),
    ],
)
def test_s93_debug_is_refused_on_a_public_address(settings: Any, host: str, debug: bool, found: list[str]) -> None:
    settings.HOST, settings.DEBUG = host, debug
    assert error_ids(checks.check_debug_host) == found


@pytest.mark.parametrize(("days", "found"), [(400, []), (401, ["gateway.E022"])])
def test_refresh_expires_in_fits_a_graphql_int(
    settings: Any, monkeypatch: pytest.MonkeyPatch, days: int, found: list[str]
) -> None:
    # The sessions of a process that has run for a year must still end within the range.
    monkeypatch.setattr(checks, "time", lambda: 2**31 - 1 - (400 + 365) * 86_400)
    settings.GATEWAY_REFRESH_ABSOLUTE = timedelta(days=days)
    assert error_ids(checks.check_refresh_end) == found


def test_message_has_the_longest_refresh_lifetime(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "time", lambda: 2**31 - 1 - (400 + 365) * 86_400)
    settings.GATEWAY_REFRESH_ABSOLUTE = timedelta(days=3650)
    (found,) = checks.check_refresh_end()
    assert "at most 400d" in found.msg
