"""Usernames and emails: one of each belongs to one account, in every spelling and in every race."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api import PASSWORD, Answer, Api
from tests.mail_flows import ADDRESS
from users.accounts import unique
from users.models import Session, User

INVISIBLE = "\u00ad\u034f\u115f\u180e\u200b\u200d\u202e\u2060\u2066\u3164\ufe0f\ufeff\uffa0\t\n\x7f "


@pytest.mark.django_db(transaction=True)
def test_s01_one_of_sixteen_concurrent_registrations_gets_the_name(
    run_concurrently: Callable[..., list[Answer]],
) -> None:
    passwords = [f"{PASSWORD} {number}" for number in range(16)]
    answers = run_concurrently([lambda number=number: race(number, passwords[number]) for number in range(16)])
    winners = [number for number, answer in enumerate(answers) if "errors" not in answer.json]
    assert len(winners) == 1
    losers = [answer for number, answer in enumerate(answers) if number not in winners]
    assert {answer.status for answer in answers} == {200}
    assert [answer.field_errors for answer in losers] == [{("username", "TAKEN")}] * 15
    assert User.objects.count() == Session.objects.count() == 1
    fitting = [number for number in range(16) if User.objects.get().check_password(passwords[number])]
    assert fitting == winners


def test_uniqueness_check_costs_one_statement(api: Api, statements: Callable[[], Any]) -> None:
    api.new_member("alice")
    api.register("bob", "")
    with statements() as seen:
        assert api.register("ALICE", ADDRESS.upper()).field_errors == {("username", "TAKEN"), ("email", "TAKEN")}
    assert [text.lstrip("(").partition(" ")[0] for text in seen] == ["UPDATE", "SELECT"]


@pytest.mark.django_db
def test_s01_constraint_of_the_database_decides_a_race(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.new_member("alice")
    looks, look = [], unique.check

    def blind_at_first(*arguments: Any) -> None:
        looks.append(arguments)
        if len(looks) > 1:
            look(*arguments)

    monkeypatch.setattr(unique, "check", blind_at_first)
    assert api.register("Alice", "other@example.com").field_errors == {("username", "TAKEN")}
    assert User.objects.count() == 1


@pytest.mark.parametrize("name", ["ALICE", "Alice", "aLiCe"])
def test_s02_a_name_in_another_case_is_the_same_name(api: Api, name: str) -> None:
    api.new_member("alice")
    assert api.register(name, "other@example.com").field_errors == {("username", "TAKEN")}


@pytest.mark.parametrize(
    ("taken", "name"),
    [
        ("alice", "\uff41lice"),
        ("alice", "\uff21\uff2c\uff29\uff23\uff25"),
        ("kelvin", "\u212aelvin"),
        ("fish", "\ufb01sh"),
    ],
)
def test_s03_compatibility_characters_make_no_second_name(api: Api, taken: str, name: str) -> None:
    api.new_member(taken)
    assert api.register(name, "other@example.com").field_errors == {("username", "TAKEN")}


@pytest.mark.parametrize("place", ["{0}alice", "al{0}ice", "alice{0}"])
@pytest.mark.parametrize("character", INVISIBLE, ids=ascii)
def test_s04_invisible_characters_are_refused(api: Api, character: str, place: str) -> None:
    answer = api.register(place.format(character), "other@example.com")
    assert answer.field_errors == {("username", "INVALID")}
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "name", ["\u0430lice", "alic\u0435", "b\u03bfb", "al\u0131ce", "\u24d0lice\u0301", "\u0251lice"]
)
def test_s05_letters_of_other_scripts_are_refused(api: Api, name: str) -> None:
    assert api.register(name, "other@example.com").field_errors == {("username", "INVALID")}


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("ALICE@example.com", "TAKEN"),
        ("alice@EXAMPLE.Com", "TAKEN"),
        ("\uff41lice@example.com", "TAKEN"),
        ("alice\uff20example\uff0ecom", "TAKEN"),
        ("al\u0131ce@example.com", "INVALID"),
        ("\u00e1lice@example.com", "INVALID"),
    ],
)
def test_s06_one_mailbox_is_one_account_in_every_spelling(api: Api, address: str, code: str) -> None:
    api.new_member("alice")
    assert api.register("other", address).field_errors == {("email", code)}
    assert User.objects.count() == 1


def race(number: int, password: str) -> Answer:
    return Api().register("Alice" if number % 2 else "alice", f"{number}@example.com", password)
