"""Events: what happened to whom, from where, and never a secret."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.api import NEW_PASSWORD, PASSWORD, Api
from users import events
from users.caller import Caller
from users.events import Kind
from users.models import Event, User


@pytest.mark.django_db
def test_an_event_says_who_when_from_where_and_what() -> None:
    user = User.objects.create_user("alice", "alice@example.com")
    caller = Caller(ip_address="2001:db8::1", user_agent="Browser/1")
    event = events.record(caller, Kind.SESSION_ENDED, user=user, session_id=user.id, why="a test")
    event.refresh_from_db()
    assert (event.user, event.kind, event.session_id) == (user, "session.ended", user.id)
    assert (event.ip_address, event.user_agent, event.facts) == ("2001:db8::1", "Browser/1", {"why": "a test"})
    assert timezone.now() - event.at < timedelta(minutes=1)
    assert str(event) == "session.ended"


@pytest.mark.django_db
def test_an_event_may_have_neither_user_nor_place() -> None:
    event = events.record(Caller(), Kind.SIGN_IN_REFUSED, user=None)
    assert (event.user, event.ip_address, event.user_agent, event.session_id) == (None, None, "", None)


def test_a_life_of_an_account_is_told_in_order_and_without_its_secrets(api: Api) -> None:
    alice = api.join("alice")
    assert api.sign_in("alice", "a wrong guess").code == "INVALID_CREDENTIALS"
    other = api.signed_in("alice")
    alice('mutation { updateProfile(bio: "a private text") { user { id } } }')
    api.change_password(alice.token, "another wrong guess")
    api.change_password(alice.token)
    first = alice.refresh_token
    second = api.refresh(first).data["refreshToken"]["refreshToken"]
    api.refresh(second)
    assert api.refresh(first).code == "TOKEN_REUSED"
    rows = list(Event.objects.order_by("at"))
    assert [row.kind for row in rows] == [
        "account.registered",
        "sign_in.refused",
        "account.signed_in",
        "profile.changed",
        "password.refused",
        "session.ended",
        "password.changed",
        "refresh.reused",
    ]
    told = json.dumps([row.facts for row in rows])
    for secret in (PASSWORD, NEW_PASSWORD, "guess", "a private text", alice.token, first, second, other.refresh_token):
        assert secret not in told


def test_kinds_are_named_once() -> None:
    assert len({kind.value for kind in Kind}) == len(Kind)
    assert all(len(kind.value) <= 40 for kind in Kind)
