"""Passwords: one policy, compared whole, hashed once, changed by one winner."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import (
    make_password,
)

from tests.api import NEW_PASSWORD, PASSWORD, Answer, Api, Member
from tests.mail_flows import ADDRESS, verified_member
from tests.mailbox import count_queued_mails, mails_to
from users.caller import Caller
from users.models import Event, Session, User
from users.passwords import hashing
from users.sessions import sessions

RACES = pytest.mark.django_db(transaction=True)


def test_s58_the_old_password_makes_way_for_the_new_one(api: Api) -> None:
    alice = api.new_member("alice")
    assert api.change_password(alice.token).data == {
        "changePassword": {"endedSessions": 0, "user": {"username": "alice"}}
    }
    assert api.sign_in("alice", PASSWORD).code == "INVALID_CREDENTIALS"
    api.sign_in_member("alice", NEW_PASSWORD)
    event = Event.objects.get(kind="password.changed")
    assert str(event.session_id) == alice.claims["sid"]
    assert event.facts == {}


def test_s58_password_change_requires_a_session(api: Api) -> None:
    api.new_member("alice")
    answer = api.change_password(None)
    assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", "TOKEN_MISSING")
    api.sign_in_member("alice", PASSWORD)


def test_s60_s61_every_other_session_ends_with_the_old_password_and_this_one_stays(api: Api) -> None:
    alice, bob = api.new_member("alice"), api.new_member("bob")
    others = [api.sign_in_member("alice") for _ in range(3)]
    assert api.change_password(alice.token).data["changePassword"]["endedSessions"] == 3
    for other in others:
        assert api.refresh(other.refresh_token).code == "TOKEN_INVALID"
        answer = other("{ me { id } }")
        assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", "TOKEN_INVALID")
    for member in (alice, bob):
        assert "errors" not in member("{ me { id } }").json
        assert "errors" not in api.refresh(member.refresh_token).json
    assert alice("{ me { sessions { isCurrent } } }").data["me"]["sessions"] == [{"isCurrent": True}]


def test_s61_credential_version_alone_ends_a_session(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, other = api.new_member("alice"), api.sign_in_member("alice")
    monkeypatch.setattr(sessions, "end_all_locked", lambda *_, **__: 0)
    assert "errors" not in api.change_password(alice.token).json
    assert Session.objects.filter(ended_at=None).count() == 2
    assert other("{ me { id } }").code == "UNAUTHENTICATED"
    assert api.refresh(other.refresh_token).code == "TOKEN_INVALID"
    assert len(alice("{ me { sessions { id } } }").data["me"]["sessions"]) == 1


@RACES
def test_s63_one_of_eight_concurrent_changes_wins(
    run_concurrently: Callable[..., list[Answer]], monkeypatch: pytest.MonkeyPatch
) -> None:
    members = [Api().new_member("alice"), *(Api().sign_in_member("alice") for _ in range(7))]
    chosen = [f"{NEW_PASSWORD} {number}" for number in range(8)]
    # All have read, and proven that they know the old one, before any writes.
    proven = threading.Barrier(8)
    monkeypatch.setattr(hashing, "hash_password", lambda caller, raw, **_: (proven.wait(30), make_password(raw))[1])
    answers = run_concurrently([lambda each=each: change(members[each], chosen[each]) for each in range(8)])
    monkeypatch.undo()
    winners = [number for number, answer in enumerate(answers) if "errors" not in answer.json]
    assert len(winners) == 1
    assert [answer.code for number, answer in enumerate(answers) if number not in winners] == ["CONFLICT"] * 7
    assert User.objects.get().credential_version == 1
    assert Event.objects.filter(kind="password.changed").count() == 1
    fitting = [number for number in range(8) if User.objects.get().check_password(chosen[number])]
    assert fitting == winners
    alive = [number for number in range(8) if "errors" not in members[number]("{ me { id } }").json]
    assert alive == winners


def test_s63_a_change_that_read_before_another_conflicts_and_leaves_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, other = api.new_member("alice"), api.sign_in_member("alice")

    def meanwhile(caller: Caller, raw: str, **_: Any) -> str:
        monkeypatch.undo()
        User.objects.update(credential_version=1)
        Session.objects.update(credential_version=1)
        return make_password(raw)

    monkeypatch.setattr(hashing, "hash_password", meanwhile)
    assert api.change_password(alice.token).code == "CONFLICT"
    api.sign_in_member("alice", PASSWORD)
    assert "errors" not in other("{ me { id } }").json
    assert not Event.objects.filter(kind="password.changed").exists()


def test_a_user_deactivated_meanwhile_changes_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = api.new_member("alice")
    monkeypatch.setattr(
        hashing, "hash_password", lambda caller, raw, **_: (User.objects.update(is_active=False), make_password(raw))[1]
    )
    assert api.change_password(alice.token).code == "CONFLICT"
    assert User.objects.get().check_password(PASSWORD)


@RACES
def test_s64_refreshing_session_does_not_survive_a_password_change(run_concurrently: Callable[..., list[Any]]) -> None:
    alice = Api().new_member("alice")
    others = [Api().sign_in_member("alice") for _ in range(8)]
    ended, *newest = run_concurrently(
        [lambda: change(alice, NEW_PASSWORD), *(lambda other=other: refresh_on(other) for other in others)]
    )
    assert "errors" not in ended.json
    for token, refresh_token in newest:
        assert Api().me(token).code == "UNAUTHENTICATED"
        assert Api().refresh(refresh_token).code == "TOKEN_INVALID"
    assert len(alice("{ me { sessions { id } } }").data["me"]["sessions"]) == 1
    assert "errors" not in Api().refresh(alice.refresh_token).json


def test_password_change_sends_one_mail_to_the_owner(api: Api) -> None:
    alice = verified_member()
    before = count_queued_mails()
    api.change_password(alice.token, "wrong")
    assert count_queued_mails() == before
    api.change_password(alice.token)
    assert [mail.subject for mail in mails_to(ADDRESS)][1:] == ["Your password was changed"]


def change(member: Member, new: str) -> Answer:
    return Api().change_password(member.token, PASSWORD, new)


def refresh_on(member: Member) -> tuple[str, str]:
    """Refresh until refused; the last pair that was given."""
    token, refresh_token = member.token, member.refresh_token
    for _ in range(15):
        answer = Api().refresh(refresh_token)
        if "errors" in answer.json:
            assert answer.code == "TOKEN_INVALID"
            break
        pair = answer.data["refreshToken"]
        token, refresh_token = pair["token"], pair["refreshToken"]
    return token, refresh_token
