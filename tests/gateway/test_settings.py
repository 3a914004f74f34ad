"""The settings: restrictive by default, permissive in development."""

import logging
import os
import runpy
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from gateway.conf import env

ROOT = Path(__file__).parents[2]
DEVELOPMENT = {"DJANGO_DEBUG": "1"}
COMPLETE = {
    "SECRET_KEY": "s" * 50,
    "ALLOWED_HOSTS": ".auth.example,localhost",
    "DATABASE_URL": "sqlite:////nowhere/db.sqlite3",
}


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove all settings from the environment, and read no file."""
    for name in env.names | set(COMPLETE) | {name for name in os.environ if name.startswith("GATEWAY_")}:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GATEWAY_ENV_FILE", os.devnull)


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, Any]:
    """Return the settings of a new process."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(ROOT / "gateway" / "settings.py"))


def manage(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `manage.py` in a new process with only the given variables."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "GATEWAY_ENV_FILE": os.devnull, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


# --- development and production ------------------------------------------------------------------


def test_development_needs_no_other_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, **DEVELOPMENT)
    assert found["DEBUG"]
    assert found["GATEWAY_EXPLORER"]
    assert found["GATEWAY_INTROSPECTION"]
    assert found["GATEWAY_ADMIN"]
    assert found["DATABASES"]["default"]["NAME"] == str(ROOT / "db.sqlite3")
    assert len(found["SECRET_KEY"]) >= 50
    assert "http://localhost:5173" in found["CORS_ALLOWED_ORIGINS"]
    assert found["GATEWAY_ISSUER"] == "http://localhost:8000"
    assert not found["SECURE_HSTS_SECONDS"]


def test_s72_s77_s93_production_is_the_default_and_restrictive(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_tokens_and_links_use_the_served_port_in_development(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, **DEVELOPMENT, PORT="8001")
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
def test_each_setting_has_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, setting: str, expected: Any
) -> None:
    assert read(monkeypatch, **COMPLETE, **{name: value})[setting] == expected


def test_threads_exceed_the_requests_that_wait_for_a_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, **DEVELOPMENT)
    assert (settings["GATEWAY_MAX_CONCURRENT_HASHES"], settings["GATEWAY_THREADS"]) == (1, 81)
    assert read(monkeypatch, **DEVELOPMENT, GATEWAY_MAX_CONCURRENT_HASHES="7")["GATEWAY_THREADS"] == 87


def test_settings_file_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "production.env"
    file.write_text("GATEWAY_AUDIENCE=from the file\nGATEWAY_NAME=from the file\n")
    monkeypatch.setenv("GATEWAY_AUDIENCE", "")
    monkeypatch.delenv("GATEWAY_AUDIENCE")
    found = read(monkeypatch, **DEVELOPMENT, GATEWAY_ENV_FILE=str(file), GATEWAY_NAME="from the environment")
    assert (found["GATEWAY_AUDIENCE"], found["GATEWAY_NAME"]) == ("from the file", "from the environment")


# --- the start -----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["serve", "check"])
def test_start_without_settings_lists_all_missing_ones_in_one_line(command: str) -> None:
    ended = manage(command)
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("SECRET_KEY, ALLOWED_HOSTS, DATABASE_URL are required when DJANGO_DEBUG is off.")
    # It prints 64 characters, and 50 are required.
    assert "openssl rand -hex 32" in line


@pytest.mark.parametrize("command", ["serve", "check"])
def test_s101_misspelt_setting_stops_the_start_with_one_line(command: str) -> None:
    ended = manage(command, **DEVELOPMENT, GATEWAY_ACESS_LIFETIME="5m")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "GATEWAY_ACESS_LIFETIME is not a setting. Did you mean GATEWAY_ACCESS_LIFETIME?\n"


def test_s101_misspelt_setting_in_a_file_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "production.env"
    file.write_text("GATEWAY_REFRESH_COKIE=on\n")
    ended = manage("check", **DEVELOPMENT, GATEWAY_ENV_FILE=str(file))
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "Did you mean GATEWAY_REFRESH_COOKIE?" in ended.stderr


def test_s101_every_old_name_leads_to_a_new_one() -> None:
    # A name that still exists is not renamed yet.
    assert all((old in env.names) != (new in env.names) for old, new in env.RENAMED.items())


@pytest.mark.services
def test_complete_start_succeeds_and_one_with_a_short_secret_is_refused() -> None:
    fine = manage("check", **COMPLETE)
    assert (fine.returncode, fine.stderr) == (0, "")
    short = manage("check", **{**COMPLETE, "SECRET_KEY": "hunter2"})
    assert short.returncode != 0
    assert "gateway.E003" in short.stderr
    assert "hunter2" not in short.stderr


def test_invalid_value_stops_the_start_and_hides_the_password() -> None:
    ended = manage("check", **DEVELOPMENT, DATABASE_URL="postgres://gateway:hunter2@db.example:many/x")
    assert ended.returncode != 0
    assert "DATABASE_URL=(not shown, it is a secret): expected a database URL" in ended.stderr
    assert "hunter2" not in ended.stderr + ended.stdout


def test_s91_audit_log_has_one_json_object_per_line() -> None:
    handler = logging.getLogger("gateway.audit").handlers[0]
    record = logging.makeLogRecord({"name": "gateway.audit", "msg": '{"event": "x"}'})
    assert handler.format(record) == '{"event": "x"}'


def load_wsgi(**variables: str) -> subprocess.CompletedProcess[str]:
    """Import the WSGI application as a WSGI server does."""
    return subprocess.run(
        [sys.executable, "-c", "import gateway.wsgi"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "GATEWAY_ENV_FILE": os.devnull, **COMPLETE, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.services
def test_wsgi_server_starts_with_safe_settings() -> None:
    ended = load_wsgi()
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.services
def test_s77_wsgi_server_does_not_start_with_unsafe_settings() -> None:
    ended = load_wsgi(ALLOWED_HOSTS="*", SECRET_KEY="hunter2", GATEWAY_ISSUER="https://auth.example")
    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("django.core.exceptions.ImproperlyConfigured: ")
    assert "(gateway.E003)" in last
    assert "(gateway.E006)" in last
    assert "hunter2" not in ended.stderr


# --- values out of range -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEWAY_REFRESH_ABSOLUTE", "5000d"),
        ("GATEWAY_EVENTS_KEPT", "999999d"),
        ("GATEWAY_LIMIT_REGISTER", "5 in 999999 days"),
        ("EMAIL_TIMEOUT", "99999999999"),
    ],
)
def test_value_out_of_range_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{name}='{value}': expected .+$"):
        read(monkeypatch, **DEVELOPMENT, **{name: value})
