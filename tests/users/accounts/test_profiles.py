"""Profiles: changed field by field, and recorded without their values."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api import NEW_PASSWORD, UPDATE_PROFILE, Answer, Api
from users.accounts import unique
from users.models import Event, User


def test_given_fields_are_changed_and_recorded_without_values(api: Api) -> None:
    alice = api.new_member("alice", fullName="Alice")
    url = "https://example.com/a.png"
    user = alice(UPDATE_PROFILE, bio="I fell\ndown a hole.", imageUrl=url, username="Thornby").data["updateProfile"][
        "user"
    ]
    assert user == {"username": "Thornby", "fullName": "Alice", "bio": "I fell\ndown a hole.", "imageUrl": url}
    row = User.objects.get()
    assert (row.username, row.username_key, row.bio, row.image_url) == ("Thornby", "thornby", user["bio"], url)
    event = Event.objects.latest("at")
    assert (event.kind, event.facts) == ("profile.changed", {"fields": ["bio", "image_url", "username"]})
    assert str(event.session_id) == alice.claims["sid"]
    assert alice("{ me { username } }").data == {"me": {"username": "Thornby"}}


def test_empty_value_empties_a_field_and_missing_value_keeps_it(api: Api) -> None:
    alice = api.new_member("alice", fullName="Alice")
    alice(UPDATE_PROFILE, bio="text", imageUrl="https://example.com/a.png")
    assert alice(UPDATE_PROFILE, bio="", imageUrl=None).data["updateProfile"]["user"] == {
        "username": "alice",
        "fullName": "Alice",
        "bio": "",
        "imageUrl": None,
    }


@pytest.mark.parametrize(
    "changes", [{}, {"username": "alice"}, {"fullName": " Alice "}, {"username": None, "fullName": None, "bio": None}]
)
def test_unchanged_profile_is_neither_written_nor_recorded(
    api: Api, statements: Callable[[], Any], changes: dict[str, str]
) -> None:
    alice = api.new_member("alice", fullName="Alice")
    with statements() as seen:
        assert alice(UPDATE_PROFILE, **changes).data["updateProfile"]["user"]["fullName"] == "Alice"
    assert [text for text in seen if not text.lstrip("(").startswith("SELECT")] == []


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"username": ""}, {("username", "REQUIRED")}),
        ({"username": "b c"}, {("username", "INVALID")}),
        ({"username": "BOB"}, {("username", "TAKEN")}),
        ({"username": "\uff42ob", "bio": "a" * 2_001}, {("username", "TAKEN"), ("bio", "TOO_LONG")}),
        ({"imageUrl": "javascript:alert(1)", "fullName": "a\nb"}, {("imageUrl", "INVALID"), ("fullName", "INVALID")}),
    ],
)
def test_invalid_profile_changes_nothing(api: Api, changes: dict[str, str], errors: set[tuple[str, str]]) -> None:
    api.new_member("bob")
    alice = api.new_member("alice")
    answer = alice(UPDATE_PROFILE, **{"bio": "new", **changes})
    assert (answer.code, answer.field_errors) == ("BAD_USER_INPUT", errors)
    assert list(User.objects.order_by("username").values_list("username", "bio")) == [("alice", ""), ("bob", "")]
    assert not Event.objects.filter(kind="profile.changed").exists()


def test_own_name_in_another_case_is_free(api: Api) -> None:
    alice = api.new_member("alice")
    assert alice(UPDATE_PROFILE, username="ALICE").data["updateProfile"]["user"]["username"] == "ALICE"


def test_profile_change_keeps_a_concurrent_password_change(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, saving = api.new_member("alice"), unique.refused

    def change_first(user: User, *fields: Any) -> Any:
        other = User.objects.get()
        other.set_password(NEW_PASSWORD)
        other.save()
        return saving(user, *fields)

    monkeypatch.setattr(unique, "refused", change_first)
    alice(UPDATE_PROFILE, bio="new")
    user = User.objects.get()
    assert (user.bio, user.check_password(NEW_PASSWORD), user.credential_version) == ("new", True, 1)


@pytest.mark.django_db(transaction=True)
def test_one_of_eight_concurrent_renames_gets_the_name(run_concurrently: Callable[..., list[Answer]]) -> None:
    members = [Api().new_member(f"member{number}") for number in range(8)]
    answers = run_concurrently([lambda member=member: member(UPDATE_PROFILE, username="Alice") for member in members])
    losers = [answer for answer in answers if "errors" in answer.json]
    assert [answer.field_errors for answer in losers] == [{("username", "TAKEN")}] * 7
    assert User.objects.filter(username_key="alice").count() == 1
