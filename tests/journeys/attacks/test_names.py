"""Impersonation: similar names at registration and sign-in, released names, and emails as names."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api import NEW_PASSWORD, PASSWORD, Answer, Api
from users.models import User

RENAME = "mutation ($name: String) { updateProfile(username: $name) { user { id username } } }"
# One that a machine takes for alice, or a reader does.
SAME = ["ALICE", "aLiCe", "\uff41lice", "\uff21\uff2c\uff29\uff23\uff25", "\u24d0lice", "\U0001d41alice", "al\u2170ce"]
ALIKE = [
    "\u0430lice",
    "\u03b1lice",
    "alic\u0435",
    "al\u0131ce",
    "al\u00edce",
    "ali\u0441e",
    "alice\u200b",
    "a\u00adlice",
    "\ufeffalice",
    "alice\u3164",
    "\u202eecila",
    "alice ",
    " alice",
    "alice\t",
    "alice\u00a0",
    "alice\x00",
    "alice\n",
]


@pytest.mark.parametrize("twin", SAME, ids=ascii)
def test_s02_s03_a_twin_that_a_machine_takes_for_the_name_is_the_name(api: Api, twin: str) -> None:
    alice, mallory = api.new_member("alice"), api.new_member("mallory", password=NEW_PASSWORD)
    assert api.register(twin, "other@example.com", NEW_PASSWORD).field_errors == {("username", "TAKEN")}
    assert mallory(RENAME, name=twin).field_errors == {("username", "TAKEN")}
    assert api.sign_in(twin, NEW_PASSWORD).code == "INVALID_CREDENTIALS"
    assert api.sign_in_member(twin, PASSWORD).claims["sub"] == alice.claims["sub"]


@pytest.mark.parametrize("twin", ALIKE, ids=ascii)
def test_s04_s05_a_twin_that_a_reader_takes_for_the_name_is_no_name(api: Api, twin: str) -> None:
    api.new_member("alice")
    mallory = api.new_member("mallory", password=NEW_PASSWORD)
    assert api.register(twin, "other@example.com", NEW_PASSWORD).field_errors == {("username", "INVALID")}
    assert mallory(RENAME, name=twin).field_errors == {("username", "INVALID")}
    assert api.sign_in(twin, PASSWORD).code == api.sign_in(twin, NEW_PASSWORD).code == "INVALID_CREDENTIALS"
    assert sorted(User.objects.values_list("username", flat=True)) == ["alice", "mallory"]


def test_s25_guesses_by_twins_are_guesses_at_the_account(api: Api, from_address: Callable[..., Answer]) -> None:
    api.new_member("alice")
    codes = [from_address("203.0.113.7", twin).code for twin in SAME * 2]
    assert codes == ["INVALID_CREDENTIALS"] * 10 + ["RATE_LIMITED"] * 4


def test_s06_an_address_is_not_taken_by_a_username_that_looks_like_it(api: Api) -> None:
    alice = api.new_member("alice")
    mallory = api.new_member("mallory", password=NEW_PASSWORD)
    for name in ("alice@example.com", "ALICE@example.com", "alice\uff20example.com", "alice\ufe6bexample.com"):
        assert api.register(name, "other@example.com", NEW_PASSWORD).field_errors == {("username", "INVALID")}
        assert mallory(RENAME, name=name).field_errors == {("username", "INVALID")}
        assert api.sign_in(name, NEW_PASSWORD).code == "INVALID_CREDENTIALS"
        assert api.sign_in_member(name, PASSWORD).claims["sub"] == alice.claims["sub"]


def test_s40_who_takes_a_name_that_was_left_gets_the_name_alone(api: Api, settings: Any) -> None:
    settings.GATEWAY_TOKEN_CLAIMS = ["username"]
    alice = api.new_member("alice")
    laptop = api.sign_in_member("alice")
    alice(RENAME, name="alicia")
    mallory = api.new_member("ALICE", email="mallory@example.com", password=NEW_PASSWORD)

    # Tokens that still say `alice` are the first one's, and what she does ends nothing of the other's.
    assert alice("{ me { username email } }").data["me"] == {"username": "alicia", "email": "alice@example.com"}
    renewed = api.refresh(laptop.refresh_token).data["refreshToken"]
    assert (renewed["claims"]["sub"], renewed["user"]["username"]) == (alice.claims["sub"], "alicia")
    assert alice("mutation { endAllSessions { endedSessions } }").data["endAllSessions"]["endedSessions"] == 2
    assert mallory("{ me { sessions { isCurrent } } }").data["me"]["sessions"] == [{"isCurrent": True}]

    # Nor does the name lead back: neither by the old password, nor to what happened before.
    assert api.sign_in("alice", PASSWORD).code == "INVALID_CREDENTIALS"
    kinds = mallory("{ me { events { edges { node { kind } } } } }").data["me"]["events"]["edges"]
    assert [each["node"]["kind"] for each in kinds] == ["SIGN_IN_REFUSED", "ACCOUNT_REGISTERED"]
    assert mallory(RENAME, name="Alicia").field_errors == {("username", "TAKEN")}


@pytest.mark.django_db(transaction=True)
def test_s01_of_those_who_wait_for_a_name_to_be_left_one_gets_it(run_concurrently: Callable[..., list[Answer]]) -> None:
    alice = Api().new_member("alice")
    waiting = [Api().new_member(f"mallory{number}") for number in range(3)]
    acts = [lambda: alice(RENAME, name="alicia")]
    acts += [lambda each=each: each(RENAME, name="Alice") for each in waiting]
    acts += [lambda n=n: Api().register("ALICE", f"other{n}@example.com") for n in range(3)]
    answers = run_concurrently(acts)
    assert "errors" not in answers[0].json
    won = [answer for answer in answers[1:] if "errors" not in answer.json]
    assert len(won) <= 1
    assert all(answer.field_errors == {("username", "TAKEN")} for answer in answers[1:] if answer not in won)
    assert User.objects.filter(username_key="alice").count() == len(won)
    assert Api().me(alice.token).data["me"]["username"] == "alicia"
