"""`manage.py migrate`: one process at a time, without the timeouts of requests."""

import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command, get_commands
from django.db import connection

from gateway.management.commands import migrate
from tests.server import manage

TIMEOUT = {
    "postgresql": "SELECT setting FROM pg_settings WHERE name = 'statement_timeout'",
    "mysql": "SELECT @@max_statement_time",
}
BOUNDED = {"postgresql": "3000", "mysql": 3.0}


def bound() -> Any:
    with connection.cursor() as cursor:
        cursor.execute(TIMEOUT[connection.vendor])
        return cursor.fetchone()[0]


def test_migrate_replaces_the_command_of_django() -> None:
    assert get_commands()["migrate"] == "gateway"


@pytest.mark.skipif(connection.vendor not in TIMEOUT, reason="a file knows no such timeout")
@pytest.mark.django_db(transaction=True)
def test_f19_statement_timeout_applies_to_requests_but_not_to_migrations() -> None:
    assert bound() == BOUNDED[connection.vendor]
    with migrate.without_timeouts("default"):
        assert not float(bound())
    assert bound() == BOUNDED[connection.vendor]


@pytest.mark.django_db(transaction=True)
def test_timeouts_are_restored_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    bounded = connection.settings_dict
    with pytest.raises(ZeroDivisionError), migrate.without_timeouts("default"):
        raise ZeroDivisionError
    assert connection.settings_dict is bounded


@pytest.mark.django_db(transaction=True)
def test_migrate_applies_migrations() -> None:
    call_command("migrate", verbosity=0)


@pytest.mark.skipif(connection.vendor not in TIMEOUT, reason="SQLite has no such lock")
@pytest.mark.django_db(transaction=True)
def test_f19_second_process_waits_for_the_first_until_the_timeout() -> None:
    is_held, may_leave = threading.Event(), threading.Event()

    def hold() -> None:
        with migrate.exclusive_lock("default", 5):
            is_held.set()
            may_leave.wait(10)
        connection.close()

    other = threading.Thread(target=hold)
    other.start()
    assert is_held.wait(10)
    with pytest.raises(CommandError, match="Another process has been migrating this database"):
        call_command("migrate", verbosity=0, lock_timeout=0.5)
    threading.Timer(0.5, may_leave.set).start()
    call_command("migrate", verbosity=0)
    other.join(10)


@pytest.mark.django_db(transaction=True)
def test_lock_is_released() -> None:
    for _ in range(2):
        with migrate.exclusive_lock("default", 0):
            pass


@pytest.mark.services
def test_s98_admin_needs_no_migration_of_its_own(tmp_path: Path) -> None:
    database = {"DATABASE_URL": f"sqlite:///{tmp_path / 'gateway.sqlite3'}"}
    assert manage(database | {"GATEWAY_ADMIN": "off"}, "migrate").returncode == 0
    ran = manage(database | {"GATEWAY_ADMIN": "on"}, "migrate", "--check")
    assert ran.returncode == 0, ran.stdout
