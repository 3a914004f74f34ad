"""The settings: open in development, closed elsewhere, and a start that says what it lacks."""

import logging
import os
import runpy
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway import cores, environment

ROOT = Path(__file__).parents[2]
COMPLETE = {
    "DJANGO_DEBUG": "0",
    "SECRET_KEY": "s" * 50,
    "ALLOWED_HOSTS": ".auth.example,localhost",
    "DATABASE_URL": "sqlite:////nowhere/db.sqlite3",
}


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is set but what a test sets, and no file is read."""
    for name in environment.names | set(COMPLETE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GATEWAY_ENV_FILE", os.devnull)


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, Any]:
    """The settings as another process would read them."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(ROOT / "gateway" / "settings.py"))


def manage(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`manage.py` in a process of its own, with nothing set but this."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "GATEWAY_ENV_FILE": os.devnull, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


# --- development and elsewhere -------------------------------------------------------------------


def test_development_needs_no_setting_and_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch)
    assert found["DEBUG"]
    assert found["GATEWAY_EXPLORER"]
    assert found["GATEWAY_INTROSPECTION"]
    assert found["GATEWAY_ADMIN"]
    assert found["DATABASES"]["default"]["NAME"] == str(ROOT / "db.sqlite3")
    assert len(found["SECRET_KEY"]) >= 50
    assert "http://localhost:5173" in found["CORS_ALLOWED_ORIGINS"]
    assert found["GATEWAY_ISSUER"] == "http://localhost:8000"
    assert not found["SECURE_HSTS_SECONDS"]


def test_s72_s77_s93_elsewhere_everything_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, **COMPLETE)
    assert not found["DEBUG"]
    assert not found["GATEWAY_EXPLORER"]
    assert not found["GATEWAY_INTROSPECTION"]
    assert not found["GATEWAY_ADMIN"]
    assert "django.contrib.staticfiles" not in found["INSTALLED_APPS"]
    assert "django.contrib.sessions.middleware.SessionMiddleware" not in found["MIDDLEWARE"]
    assert found["CORS_ALLOWED_ORIGINS"] == []
    assert not found["CORS_ALLOW_ALL_ORIGINS"]
    assert found["GATEWAY_ISSUER"] == "https://auth.example"
    assert found["CSRF_COOKIE_SECURE"]
    assert found["SESSION_COOKIE_SECURE"]
    assert found["SECURE_HSTS_SECONDS"] >= 31_536_000
    assert found["SECURE_PROXY_SSL_HEADER"] is None


def test_in_development_tokens_and_links_name_the_port_that_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, PORT="8001")
    assert found["GATEWAY_ISSUER"] == "http://localhost:8001"
    assert found["GATEWAY_UNDO_URL"] == "http://localhost:8001/account/undo#token={token}"


@pytest.mark.parametrize(
    ("name", "value", "setting", "expected"),
    [
        ("GATEWAY_EXPLORER", "on", "GATEWAY_EXPLORER", True),
        ("GATEWAY_INTROSPECTION", "on", "GATEWAY_INTROSPECTION", True),
        ("GATEWAY_ADMIN", "on", "GATEWAY_ADMIN", True),
        ("GATEWAY_ISSUER", "https://id.example", "GATEWAY_ISSUER", "https://id.example"),
        (
            "GATEWAY_ISSUER",
            "https://id.example",
            "GATEWAY_VERIFY_URL",
            "https://id.example/account/verify#token={token}",
        ),
        ("GATEWAY_ISSUER", "no address", "GATEWAY_RESET_URL", "https://auth.example/account/reset#token={token}"),
        ("GATEWAY_TRUSTED_PROXIES", "1", "SECURE_PROXY_SSL_HEADER", ("HTTP_X_FORWARDED_PROTO", "https")),
        ("GATEWAY_ACCESS_LIFETIME", "90s", "GATEWAY_ACCESS_LIFETIME", timedelta(seconds=90)),
        ("GATEWAY_MAX_BODY", "5000", "DATA_UPLOAD_MAX_MEMORY_SIZE", 5_000),
        ("GATEWAY_TOKEN_CLAIMS", "email", "GATEWAY_TOKEN_CLAIMS", ["email"]),
        ("SECRET_KEY_FALLBACKS", "a,b", "SECRET_KEY_FALLBACKS", ["a", "b"]),
        ("CORS_ALLOWED_ORIGINS", "https://a.example", "CORS_ALLOWED_ORIGINS", ["https://a.example"]),
        ("CORS_ALLOWED_ORIGINS", "*", "CORS_ALLOW_ALL_ORIGINS", True),
        ("CORS_ALLOWED_ORIGINS", "*", "CORS_ALLOWED_ORIGINS", []),
    ],
)
def test_each_can_be_set_by_itself(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, setting: str, expected: Any
) -> None:
    assert read(monkeypatch, **COMPLETE, **{name: value})[setting] == expected


@pytest.mark.parametrize(("workers", "share"), [("1", 4), ("2", 2), ("3", 1), ("9", 1)])
def test_workers_share_the_cores_for_hashing(monkeypatch: pytest.MonkeyPatch, workers: str, share: int) -> None:
    monkeypatch.setattr(cores, "usable", lambda: 4)
    settings = read(monkeypatch, GATEWAY_WORKERS=workers)
    assert (settings["GATEWAY_HASHES_AT_ONCE"], settings["GATEWAY_THREADS"]) == (share, share + 24)
    assert read(monkeypatch, GATEWAY_HASHES_AT_ONCE="7")["GATEWAY_HASHES_AT_ONCE"] == 7


def test_a_floor_of_passwords_reaches_the_validators(monkeypatch: pytest.MonkeyPatch) -> None:
    validators = read(monkeypatch, GATEWAY_PASSWORD_MIN_LENGTH="15")["AUTH_PASSWORD_VALIDATORS"]
    assert {"min_length": 15} in [each.get("OPTIONS") for each in validators]


def test_a_file_of_settings_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "production.env"
    file.write_text("GATEWAY_AUDIENCE=from the file\nGATEWAY_NAME=from the file\n")
    monkeypatch.setenv("GATEWAY_AUDIENCE", "")
    monkeypatch.delenv("GATEWAY_AUDIENCE")
    found = read(monkeypatch, GATEWAY_ENV_FILE=str(file), GATEWAY_NAME="from the environment")
    assert (found["GATEWAY_AUDIENCE"], found["GATEWAY_NAME"]) == ("from the file", "from the environment")


# --- the start -----------------------------------------------------------------------------------


def test_a_start_outside_of_development_names_all_that_it_lacks() -> None:
    ended = manage("check", DJANGO_DEBUG="0")
    assert ended.returncode != 0
    last = ended.stderr.strip().splitlines()[-1]
    assert "DJANGO_DEBUG=0 needs SECRET_KEY (" in last
    assert "ALLOWED_HOSTS (" in last
    assert "DATABASE_URL (" in last


def test_a_start_with_everything_is_fine_and_one_with_a_short_secret_is_not() -> None:
    fine = manage("check", **COMPLETE)
    assert (fine.returncode, fine.stderr) == (0, "")
    short = manage("check", **{**COMPLETE, "SECRET_KEY": "hunter2"})
    assert short.returncode != 0
    assert "gateway.E003" in short.stderr
    assert "hunter2" not in short.stderr


def test_a_wrong_value_stops_the_start_and_no_password_is_shown() -> None:
    ended = manage("check", DATABASE_URL="postgres://gateway:hunter2@db.example:many/x")
    assert ended.returncode != 0
    assert "DATABASE_URL=(not shown, it is a secret): expected a database address" in ended.stderr
    assert "hunter2" not in ended.stderr + ended.stdout


def test_s91_the_trail_is_a_json_object_a_line() -> None:
    handler = logging.getLogger("gateway.audit").handlers[0]
    record = logging.makeLogRecord({"name": "gateway.audit", "msg": '{"event": "x"}'})
    assert handler.format(record) == '{"event": "x"}'
