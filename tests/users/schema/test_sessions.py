"""Sessions, as their owner sees and ends them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests.api import Api
from users.models import Session

SESSIONS = "{ me { sessions { id deviceName userAgent ipAddress createdAt lastUsedAt expiresAt isCurrent } } }"


def test_a_session_tells_its_owner_everything_but_its_secrets(api: Api) -> None:
    alice = api.new_member("alice", deviceName="laptop")
    api.refresh(alice.refresh_token, User_Agent="Browser/1")
    row = Session.objects.get()
    (shown,) = alice(SESSIONS).data["me"]["sessions"]
    moments = {name: datetime.fromisoformat(shown.pop(name)) for name in ("createdAt", "lastUsedAt", "expiresAt")}
    assert moments == {"createdAt": row.created_at, "lastUsedAt": row.rotated_at, "expiresAt": row.expires_at}
    assert shown == {
        "id": alice.claims["sid"],
        "deviceName": "laptop",
        "userAgent": "Browser/1",
        "ipAddress": "127.0.0.1",
        "isCurrent": True,
    }


def test_the_session_of_the_request_is_the_current_one_in_every_answer(api: Api) -> None:
    first, second = api.new_member("alice"), api.sign_in_member("alice")
    for member in (first, second):
        shown = member("{ me { sessions { id isCurrent } } }").data["me"]["sessions"]
        assert {each["id"]: each["isCurrent"] for each in shown} == {
            each.claims["sid"]: each is member for each in (first, second)
        }
    document = "mutation ($t: String) { refreshToken(refreshToken: $t) { user { sessions { isCurrent } } } }"
    again = api(document, {"t": first.refresh_token}).data["refreshToken"]["user"]["sessions"]
    assert sorted(each["isCurrent"] for each in again) == [False, True]


def test_end_session_says_that_it_ended(api: Api) -> None:
    alice, other = api.new_member("alice"), api.sign_in_member("alice")
    document = "mutation ($id: ID!) { endSession(id: $id) { ended endedSessionId } }"
    id = other.claims["sid"]
    # Another spelling of the id is answered with the id that clients know.
    answer = alice(document, id=id.upper())
    assert answer.data == {"endSession": {"ended": True, "endedSessionId": id}}
    answer = alice(document, id=other.claims["sid"])
    assert (answer.code, answer.json["data"]) == ("NOT_FOUND", {"endSession": None})
    assert api(document, {"id": alice.claims["sid"]}).code == "UNAUTHENTICATED"


@pytest.mark.parametrize(("first", "count"), [("", 3), ("(first: 2)", 2), ("(first: 0)", 0), ("(first: null)", 3)])
def test_sessions_are_bounded_and_the_most_recently_used_come_first(api: Api, first: str, count: int) -> None:
    members = [api.new_member("alice"), api.sign_in_member("alice"), api.sign_in_member("alice")]
    shown = members[0](f"{{ me {{ sessions{first} {{ id }} }} }}").data["me"]["sessions"]
    assert [each["id"] for each in shown] == [each.claims["sid"] for each in reversed(members)][:count]


@pytest.mark.parametrize("first", [-1, 101, 2**31 - 1])
def test_more_sessions_than_the_bound_are_refused(api: Api, first: int) -> None:
    answer = api.new_member("alice")(f"{{ me {{ sessions(first: {first}) {{ id }} }} }}")
    assert (answer.code, answer.field_errors) == ("BAD_USER_INPUT", {("first", "INVALID")})


def test_sessions_cost_one_statement_more(api: Api, statements: Callable[[], Any]) -> None:
    alice = api.new_member("alice")
    api.sign_in_member("alice")
    with statements() as seen:
        assert alice("{ me { sessions(first: 2) { id isCurrent } } }").data
    assert len(seen) == 2


def test_end_all_sessions_says_how_many_ended_and_keeps_none_unasked(api: Api) -> None:
    alice, _ = api.new_member("alice"), api.sign_in_member("alice")
    document = "mutation { endAllSessions { endedSessions } }"
    assert api(document).code == "UNAUTHENTICATED"
    assert alice(document).data == {"endAllSessions": {"endedSessions": 2}}
    answer = alice(document)
    assert (answer.code, answer.json["data"]) == ("UNAUTHENTICATED", {"endAllSessions": None})
