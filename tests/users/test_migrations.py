"""Migrations: databases whose locale is Turkish, where the lower case of I is not i."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.utils import ConnectionHandler

from gateway.conf import database_url
from tests.server import manage, url_of_database

NAME = "gateway_turkish"
CREATE = {
    "postgresql": "TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR' LOCALE 'C.UTF-8'",
    "mysql": "CHARACTER SET utf8mb4 COLLATE utf8mb4_turkish_ci",
}
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor not in CREATE, reason="SQLite lowers ASCII letters only"),
]


@pytest.fixture
def turkish() -> Iterator[str]:
    """The URL of an empty database with a Turkish locale."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {NAME}")
        cursor.execute(f"CREATE DATABASE {NAME} {CREATE[connection.vendor]}")
    yield url_of_database(connection.settings_dict | {"NAME": NAME})
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {NAME}")


def execute(url: str, *statements: str) -> list[Any]:
    """Run statements in another database and return the rows of the last one."""
    config = database_url.without_timeouts(database_url.parse(url))
    other = ConnectionHandler({"default": config})["default"]
    try:
        with other.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []
    finally:
        other.close()


def insert(username: str, email: str, *, is_email_verified: bool = False) -> str:
    id = uuid4()
    values = {
        "id": str(id) if connection.vendor == "postgresql" else id.hex,
        "username": username,
        "email": email,
        "is_email_verified": is_email_verified,
        "is_superuser": False,
        "is_active": True,
        "is_staff": False,
        "password": "!",
        "full_name": "",
        "bio": "",
        "image_url": "",
        "date_joined": "2026-01-01 00:00:00",
        "credential_version": 0,
    }
    quoted = [str(value).upper() if isinstance(value, bool) else f"'{value}'" for value in values.values()]
    return f"INSERT INTO users_user ({', '.join(values)}) VALUES ({', '.join(quoted)})"


def migrate(url: str, *arguments: str) -> Any:
    return manage({"DATABASE_URL": url}, "migrate", *arguments)


@pytest.mark.parametrize(
    "names", [("ALICE", "one@x.example", "alice", "two@x.example"), ("one", "I@x.example", "two", "i@x.example")]
)
def test_s103_names_that_differ_in_case_alone_are_one_name_whatever_the_locale(turkish: str, names: Any) -> None:
    assert migrate(turkish).returncode == 0
    execute(turkish, insert(names[0], names[1], is_email_verified=True))
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        execute(turkish, insert(names[2], names[3], is_email_verified=True))
    rows = execute(turkish, "SELECT username_key, email_key, verified_email_key FROM users_user")
    assert rows == [(names[0].lower(), names[1].lower(), names[1].lower())]


def test_s103_accounts_of_before_are_found_and_duplicates_stop_the_migration(turkish: str) -> None:
    assert migrate(turkish, "users", "0003").returncode == 0
    execute(turkish, insert("ALICE", "ALICE@x.example"), insert("alice", "other@x.example"))
    refused = migrate(turkish)
    assert refused.returncode != 0
    assert "Accounts whose username differs in case alone: alice. Change all but one." in refused.stderr
    execute(turkish, "UPDATE users_user SET username = 'alice2' WHERE username = 'alice' AND email LIKE 'other%'")
    assert migrate(turkish).returncode == 0
    rows = execute(turkish, "SELECT username_key, email_key, verified_email_key FROM users_user ORDER BY username_key")
    assert rows == [("alice", "alice@x.example", None), ("alice2", "other@x.example", None)]
