"""Health checks: /healthz and /readyz."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from gateway.http import health
from users.sessions import key_ring

READY = {"status": "ready", "parts": {"database": "ok", "migrations": "ok", "keys": "ok"}}


@pytest.fixture
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable the cache."""
    monkeypatch.setattr(health, "CACHE_TIMEOUT", -1.0)


def broken(error: Exception) -> Any:
    """A function that fails."""

    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


def test_process_is_alive_without_its_database(client: Client) -> None:
    # Without the database fixture, any statement would fail.
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer["Content-Type"] == "application/json; charset=utf-8"


def test_working_gateway_is_ready(client: Client, db: None) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, READY)
    assert answer["Cache-Control"] == "no-store"


def test_gateway_without_database_is_not_ready_and_hides_details(client: Client, db: None) -> None:
    with connection.execute_wrapper(broken(OperationalError("host 10.0.0.7 refused"))):
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "not ready")
    assert answer.json()["parts"] == {"database": "no answer", "migrations": "unknown", "keys": "unknown"}


def test_gateway_with_missing_migrations_is_not_ready(client: Client, db: None, no_cache: None) -> None:
    kept = MigrationRecorder(connection).migration_qs.filter(app="users").order_by("name")
    last = kept.last()
    last.delete()
    assert client.get("/readyz").json()["parts"] == {
        "database": "ok",
        "migrations": "not all applied",
        "keys": "unknown",
    }
    MigrationRecorder(connection).record_applied(last.app, last.name)
    assert client.get("/readyz").json() == READY


@pytest.mark.parametrize(
    ("failure", "said"),
    [(ImproperlyConfigured("sealed by another"), "cannot be opened"), (OperationalError("gone"), "no answer")],
)
def test_gateway_without_keys_is_not_ready(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch, failure: Exception, said: str
) -> None:
    monkeypatch.setattr(key_ring, "get", broken(failure))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["parts"]["keys"]) == (503, said)


def test_flood_of_probes_checks_once(client: Client, db: None, statements: Any) -> None:
    client.get("/readyz")
    with statements() as seen:
        assert {client.get("/readyz").status_code for _ in range(50)} == {200}
    assert not seen


def test_state_is_checked_again_after_a_second_except_migrations(
    client: Client, db: None, statements: Any, no_cache: None
) -> None:
    client.get("/readyz")
    with statements() as seen:
        client.get("/readyz")
    assert seen == ["SELECT 1"]


def test_f06_only_one_probe_waits_for_the_database(client: Client, db: None) -> None:
    client.get("/readyz")
    health.readiness.expires_at = 0.0
    with health.readiness.lock, ThreadPoolExecutor() as threads:
        assert threads.submit(health.readiness.parts).result(timeout=30) == READY["parts"]


def test_f03_stopping_gateway_is_not_ready(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(health.STOPPING_FILE, str(tmp_path / "stopping"))
    assert client.get("/readyz").status_code == 200
    health.mark_stopping()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["parts"]) == (503, {**READY["parts"], "server": "stopping"})
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("host", ["10.1.2.3", "10.1.2.3:8000", "[fe80::1]", "balancer", "", "@"])
def test_probes_accept_any_host(client: Client, db: None, host: str) -> None:
    for path in health.PATHS:
        assert client.get(path, headers={"Host": host}).status_code == 200
    assert client.get("/graphql?query={__typename}", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("path", sorted(health.PATHS))
def test_probes_are_read_only(client: Client, db: None, path: str) -> None:
    assert client.head(path).status_code == 200
    assert {client.generic(method, path).status_code for method in ("POST", "PUT", "DELETE")} == {405}
    assert client.get(f"{path}/").status_code == 404
