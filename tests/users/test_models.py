"""The data model: the database itself keeps one name to one account."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from tests.api import NEW_PASSWORD, PASSWORD, Api
from users.models import Attempts, Session, SigningKey, User

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("username", "email"), [("ALICE", "other@example.com"), ("other", "ALICE@EXAMPLE.COM"), ("alice", "o@example.com")]
)
def test_s02_s06_no_way_of_writing_makes_a_second_name(username: str, email: str) -> None:
    User.objects.create_user("Alice", "alice@Example.com", is_email_verified=True)
    bob = User.objects.create_user("bob", "bob@example.com")
    names = {"username": username, "email": email, "is_email_verified": True}
    writes = [
        lambda: User.objects.bulk_create([User(**names)]),
        lambda: User.objects.filter(id=bob.id).update(**names),
        lambda: User.objects.create_user(**names),
    ]
    for write in writes:
        with pytest.raises(IntegrityError), transaction.atomic():
            write()


@pytest.mark.parametrize("name", ["Alice", "alice", "ALICE", "alice@example.com", "ALICE@EXAMPLE.COM"])
def test_a_user_is_found_by_either_name_in_any_case(name: str) -> None:
    user = User.objects.create_user("Alice", "Alice@example.com")
    assert User.objects.get_by_natural_key(name) == user


@pytest.mark.parametrize("name", ["", None, "bob", "bob@example.com"])
def test_another_name_finds_no_user(name: str | None) -> None:
    User.objects.create_user("Alice", "Alice@example.com")
    with pytest.raises(User.DoesNotExist):
        User.objects.get_by_natural_key(name)


def test_the_key_of_a_user_is_random_and_tells_no_moment() -> None:
    users = [User.objects.create_user(f"u{number}", f"u{number}@example.com") for number in range(3)]
    assert {user.id.version for user in users} == {4}


def test_every_new_password_ends_what_the_old_one_opened(api: Api) -> None:
    alice = api.new_member("alice")
    user = User.objects.get()
    user.set_password(NEW_PASSWORD)
    user.save()
    assert alice("{ me { id } }").code == "UNAUTHENTICATED"
    assert api.refresh(alice.refresh_token).code == "TOKEN_INVALID"
    user.set_unusable_password()
    user.save()
    assert api.sign_in("alice", NEW_PASSWORD).code == "INVALID_CREDENTIALS"


def test_a_user_without_a_password_cannot_sign_in_by_one(api: Api) -> None:
    User.objects.create_user("alice", "alice@example.com")
    for guess in ("", "!", "None", PASSWORD):
        assert api.sign_in("alice", guess).code == "INVALID_CREDENTIALS"


def test_a_superuser_is_made_from_the_environment_and_signs_in(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    create(monkeypatch, username="Admin", email="Admin@Example.com", password=PASSWORD)
    user = User.objects.get()
    assert (user.username, user.email) == ("Admin", "Admin@Example.com")
    assert (user.is_staff, user.is_superuser, user.is_active) == (True, True, True)
    for name in ("admin", "ADMIN@example.com"):
        assert api.sign_in_member(name).claims["sub"] == str(user.id)
    assert api.client.login(username="ADMIN", password=PASSWORD)


def test_a_superusers_name_takes_its_one_form(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    create(monkeypatch, username="\uff41dmin", email="admin@example.com", password=PASSWORD)
    assert User.objects.get().username == "admin"
    api.sign_in_member("admin")


@pytest.mark.parametrize(
    "given",
    [
        {"username": "ALICE", "email": "other@example.com"},
        {"username": "", "email": "other@example.com"},
        {"username": "other", "email": ""},
        {"username": "other", "email": "no address"},
    ],
)
def test_invalid_superuser_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch, given: dict[str, Any]) -> None:
    User.objects.create_user("alice", "alice@example.com")
    with pytest.raises(CommandError):
        create(monkeypatch, **given)
    assert User.objects.count() == 1


def test_rows_name_themselves_without_secrets(api: Api) -> None:
    alice = api.new_member("alice", deviceName="laptop")
    session = Session.objects.get()
    assert str(session) == "laptop"
    session.device_name = ""
    assert str(session) == alice.claims["sid"]
    assert str(User.objects.get()) == "alice"
    assert str(Attempts(key="limit:alice")) == "limit:alice"
    assert str(SigningKey(kid="name", sealed="secret")) == "name"


def create(monkeypatch: pytest.MonkeyPatch, **given: str) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"DJANGO_SUPERUSER_{name.upper()}", value)
    call_command("createsuperuser", interactive=False, stdout=StringIO())
