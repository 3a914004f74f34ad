"""Sessions: listing and ending."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from tests.api import Api, Member, backdate
from tests.users.sessions.tokens import INVALID_TOKENS
from users.caller import Caller
from users.models import Event, Session, User
from users.sessions import access_tokens, sessions

RACES = pytest.mark.django_db(transaction=True)


GRACE = timedelta(seconds=10)


END = "mutation ($id: ID!) { endSession(id: $id) { ended } }"


END_ALL = "mutation ($keep: Boolean) { endAllSessions(keepCurrent: $keep) { endedSessions } }"


def test_s54_session_expires_a_week_after_its_last_refresh(api: Api) -> None:
    alice = api.new_member("alice")
    session = Session.objects.get()
    assert session.expires_at - session.rotated_at == timedelta(days=7)
    assert session.absolute_expires_at - session.created_at == timedelta(days=30)
    backdate(Session.objects, timedelta(days=7), "rotated_at", "expires_at")
    assert api.refresh(alice.refresh_token).code == "TOKEN_EXPIRED"
    assert alice("{ me { id } }").code == "UNAUTHENTICATED"
    assert len(api.sign_in_member("alice")("{ me { sessions { id } } }").data["me"]["sessions"]) == 1


def test_s46_a_deactivated_user_is_out_at_once(api: Api) -> None:
    alice, bob = api.new_member("alice"), api.new_member("bob")
    User.objects.filter(username="alice").update(is_active=False)
    assert alice("{ me { id } }").code == "UNAUTHENTICATED"
    assert api.refresh(alice.refresh_token).code == "TOKEN_INVALID"
    assert api.sign_in("alice").code == "INVALID_CREDENTIALS"
    assert "errors" not in bob("{ me { id } }").json
    User.objects.update(is_active=True)
    assert "errors" not in api.refresh(alice.refresh_token).json, "being refused told no thief from an owner"


def test_s56_s57_signing_out_ends_the_session_and_its_access_token_and_no_other(api: Api) -> None:
    alice, other = api.new_member("alice"), api.sign_in_member("alice")
    for _ in range(2):
        assert api.revoke(alice.refresh_token).data["revokeToken"]["revoked"] > 1_700_000_000
    assert api.refresh(alice.refresh_token).code == "TOKEN_INVALID"
    answer = alice("{ me { id } }")
    assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", "TOKEN_INVALID")
    assert "errors" not in other("{ me { id } }").json
    event = Event.objects.get(kind="session.ended")
    assert (str(event.session_id), event.facts["reason"]) == (alice.claims["sid"], "signed out")


@pytest.mark.parametrize("token", INVALID_TOKENS.values(), ids=INVALID_TOKENS)
def test_s56_signing_out_with_a_token_that_is_not_ours_is_silent(api: Api, token: str) -> None:
    alice = api.new_member("alice")
    assert set(api.revoke(token).data["revokeToken"]) == {"revoked"}
    assert "errors" not in alice("{ me { id } }").json
    assert not Event.objects.filter(kind="session.ended").exists()


def test_s56_a_spent_token_signs_out_as_well(api: Api) -> None:
    alice = api.new_member("alice")
    pair = api.next_pair(alice.refresh_token)
    api.revoke(alice.refresh_token)
    assert api.me(pair["token"]).code == "UNAUTHENTICATED"
    assert api.refresh(pair["refreshToken"]).code == "TOKEN_INVALID"


def test_a_user_ends_another_session_of_their_own(api: Api) -> None:
    alice, other = api.new_member("alice"), api.sign_in_member("alice")
    assert alice(END, id=other.claims["sid"]).data == {"endSession": {"ended": True}}
    assert other("{ me { id } }").code == "UNAUTHENTICATED"
    assert api.refresh(other.refresh_token).code == "TOKEN_INVALID"
    event = Event.objects.get(kind="session.ended")
    assert (str(event.session_id), event.facts) == (other.claims["sid"], {"reason": "ended by the user", "ended": 1})
    assert alice(END, id=alice.claims["sid"]).data == {"endSession": {"ended": True}}
    assert alice("{ me { id } }").code == "UNAUTHENTICATED"


@pytest.mark.parametrize("case", ["another's", "ended", "expired", "unknown", "rubbish", "empty", "selector"])
def test_what_is_no_live_session_of_ones_own_is_not_found(api: Api, case: str) -> None:
    alice, bob, third = api.new_member("alice"), api.new_member("bob"), api.sign_in_member("alice")
    rows = Session.objects.filter(id=third.claims["sid"])
    if case == "ended":
        api.revoke(third.refresh_token)
    if case == "expired":
        rows.update(expires_at=timezone.now())
    ids = {
        "another's": bob.claims["sid"],
        "unknown": "00000000-0000-4000-8000-000000000000",
        "rubbish": "'; --",
        "empty": "",
        "selector": str(rows.get().selector),
    }
    answer = alice(END, id=ids.get(case, third.claims["sid"]))
    assert (answer.code, answer.error["message"]) == (
        "NOT_FOUND",
        "The object does not exist, or belongs to another user.",
    )
    assert "errors" not in bob("{ me { id } }").json


@pytest.mark.parametrize(
    ("variables", "ended", "stays"),
    [({}, 3, False), ({"keep": False}, 3, False), ({"keep": None}, 3, False), ({"keep": True}, 2, True)],
)
def test_a_user_ends_all_sessions_or_all_but_this_one(
    api: Api, variables: dict[str, Any], ended: int, stays: bool
) -> None:
    alice, bob = api.new_member("alice"), api.new_member("bob")
    others = [api.sign_in_member("alice"), api.sign_in_member("alice")]
    assert alice(END_ALL, **variables).data == {"endAllSessions": {"endedSessions": ended}}
    assert [is_in(member) for member in (alice, *others, bob)] == [stays, False, False, True]
    event = Event.objects.get(kind="session.ended")
    assert (event.session_id, event.facts["ended"]) == (None, ended)


def test_ending_all_others_where_there_are_none_is_no_event(api: Api) -> None:
    alice = api.new_member("alice")
    assert alice(END_ALL, keep=True).data == {"endAllSessions": {"endedSessions": 0}}
    assert not Event.objects.filter(kind="session.ended").exists()


def test_only_live_sessions_are_shown_the_last_used_first(api: Api) -> None:
    alice = api.new_member("alice", deviceName="first")
    members = [api.sign_in_member("alice") for _ in range(4)]
    rows = [Session.objects.filter(id=member.claims["sid"]) for member in (alice, *members)]
    for hours, row in enumerate(rows):
        backdate(row, timedelta(hours=hours), "rotated_at")
    rows[2].update(ended_at=timezone.now())
    rows[3].update(expires_at=timezone.now())
    rows[4].update(credential_version=7)
    shown = alice("{ me { sessions { id isCurrent } } }").data["me"]["sessions"]
    assert shown == [
        {"id": alice.claims["sid"], "isCurrent": True},
        {"id": members[0].claims["sid"], "isCurrent": False},
    ]
    api.refresh(members[0].refresh_token)
    backdate(rows[0], timedelta(hours=1), "rotated_at")
    assert alice("{ me { sessions { isCurrent } } }").data["me"]["sessions"][0] == {"isCurrent": False}


@RACES
def test_ending_all_sessions_does_not_deadlock_with_a_password_change(
    run_concurrently: Callable[..., list[Any]],
) -> None:
    alice = Api().new_member("alice")
    Api().sign_in_member("alice")
    caller = access_tokens.signed_in(Caller(token=alice.token))
    others_locked = threading.Event()

    def change() -> int:
        # In the order of a password change: the account, the other sessions, this one.
        with transaction.atomic():
            User.objects.update(full_name="changed")
            Session.objects.exclude(id=caller.session.id).update(device_name="changed")
            others_locked.set()
            # The other thread reaches its lock meanwhile. If it is late, the test passes without a conflict.
            time.sleep(0.3)
            return Session.objects.filter(id=caller.session.id).update(device_name="changed")

    def end() -> int:
        assert others_locked.wait(30)
        return sessions.end_all(caller)

    assert run_concurrently([change, end]) == [1, 2]


def test_reading_all_sessions_costs_two_statements(api: Api, statements: Callable[[], Any]) -> None:
    alice = api.new_member("alice")
    for _ in range(3):
        api.sign_in_member("alice")
    with statements() as seen:
        document = "{ me { sessions { id deviceName userAgent ipAddress createdAt lastUsedAt expiresAt isCurrent } } }"
        assert len(alice(document).data["me"]["sessions"]) == 4
    assert len(seen) == 2


def is_in(member: Member) -> bool:
    return "errors" not in member("{ me { id } }").json
