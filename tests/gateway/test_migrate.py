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


def test_it_takes_the_place_of_djangos_own() -> None:
    assert get_commands()["migrate"] == "gateway"


@pytest.mark.skipif(connection.vendor not in TIMEOUT, reason="a file knows no such timeout")
@pytest.mark.django_db(transaction=True)
def test_f19_a_long_statement_of_a_migration_is_not_cut_off_and_one_of_a_request_is() -> None:
    assert bound() == BOUNDED[connection.vendor]
    with migrate.without_timeouts("default"):
        assert not float(bound())
    assert bound() == BOUNDED[connection.vendor]


@pytest.mark.django_db(transaction=True)
def test_a_failure_leaves_the_timeouts_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    bounded = connection.settings_dict
    with pytest.raises(ZeroDivisionError), migrate.without_timeouts("default"):
        raise ZeroDivisionError
    assert connection.settings_dict is bounded


@pytest.mark.django_db(transaction=True)
def test_it_migrates() -> None:
    call_command("migrate", verbosity=0)


@pytest.mark.skipif(connection.vendor not in TIMEOUT, reason="SQLite has no such lock")
@pytest.mark.django_db(transaction=True)
def test_f19_a_second_process_waits_for_the_first_and_gives_up_after_the_timeout() -> None:
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
def test_the_lock_is_given_back() -> None:
    for _ in range(2):
        with migrate.exclusive_lock("default", 0):
            pass


def test_s98_the_admin_needs_no_migration_of_its_own(tmp_path: Path) -> None:
    database = {"DATABASE_URL": f"sqlite:///{tmp_path / 'gateway.sqlite3'}"}
    assert manage(database | {"GATEWAY_ADMIN": "off"}, "migrate").returncode == 0
    ran = manage(database | {"GATEWAY_ADMIN": "on"}, "migrate", "--check")
    assert ran.returncode == 0, ran.stdout
