"""A stolen refresh token: its second use reveals the theft and ends the session for both."""

from datetime import timedelta

import pytest

from tests.api import Api, backdate
from users.models import Event, Session


@pytest.mark.parametrize("first", ["owner", "thief"])
def test_stolen_token_ends_the_session_and_the_owner_signs_in_again(api: Api, first: str) -> None:
    phone, laptop = api.new_member("alice", deviceName="phone"), api.sign_in_member("alice")
    stolen = laptop.refresh_token

    # The first one to refresh uses the token for a while: the gateway cannot distinguish the two yet.
    used = api.refresh(stolen, User_Agent=first).data["refreshToken"]
    used = api.refresh(used["refreshToken"], User_Agent=first).data["refreshToken"]
    assert api.me(used["token"]).data["me"]["username"] == "alice"
    backdate(Session.objects, timedelta(minutes=5), "rotated_at")

    # The other one presents the token that was spent.
    assert api.refresh(stolen, User_Agent="the other").code == "TOKEN_REUSED"
    assert api.me(used["token"]).code == "UNAUTHENTICATED"
    assert api.refresh(used["refreshToken"]).code == "TOKEN_INVALID"
    assert api.refresh(stolen).code == "TOKEN_INVALID"

    # The owner can see what happened, from a device that was not concerned, and signs in again.
    event = Event.objects.get(kind="refresh.reused")
    assert (str(event.session_id), event.user_agent) == (laptop.claims["sid"], "the other")
    assert [each["deviceName"] for each in phone("{ me { sessions { deviceName } } }").data["me"]["sessions"]] == [
        "phone"
    ]
    assert "errors" not in api.sign_in_member("alice")("{ me { id } }").json


def test_thief_and_owner_cannot_alternate_within_the_grace_window(api: Api) -> None:
    stolen = api.new_member("alice").refresh_token
    owner = api.refresh(stolen).data["refreshToken"]
    thief = api.refresh(stolen).data["refreshToken"]
    assert thief["refreshToken"] == owner["refreshToken"], "one session does not become two"
    owner = api.refresh(owner["refreshToken"]).data["refreshToken"]
    backdate(Session.objects, timedelta(seconds=11), "rotated_at")
    assert api.refresh(thief["refreshToken"]).code == "TOKEN_REUSED"
    assert api.me(owner["token"]).code == "UNAUTHENTICATED"
