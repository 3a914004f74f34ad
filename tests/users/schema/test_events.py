"""Events of the account."""

from datetime import datetime

from tests.api import Api
from users.models import Event

EVENTS = """query ($first: Int) { me { events(first: $first) {
    edges { cursor node { id kind at ipAddress userAgent } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""


def test_page_of_events_has_all_fields(api: Api) -> None:
    alice = api.new_member("alice")
    page = alice(EVENTS).data["me"]["events"]
    row = Event.objects.get()
    ((edge),) = page["edges"]
    assert datetime.fromisoformat(edge["node"].pop("at")) == row.at
    assert edge["node"] == {
        "id": str(row.id),
        "kind": "ACCOUNT_REGISTERED",
        "ipAddress": "127.0.0.1",
        "userAgent": "",
    }
    assert page["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": edge["cursor"],
        "endCursor": edge["cursor"],
    }


def test_an_empty_page_has_no_cursors(api: Api) -> None:
    page = api.new_member("alice")(EVENTS, first=0).data["me"]["events"]
    assert page["edges"] == []
    assert (page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]) == (True, None)


def test_null_is_as_good_as_nothing(api: Api) -> None:
    assert len(api.new_member("alice")(EVENTS, first=None).data["me"]["events"]["edges"]) == 1


def test_too_large_a_page_is_refused(api: Api) -> None:
    answer = api.new_member("alice")(EVENTS, first=101)
    assert (answer.code, answer.field_errors) == ("BAD_USER_INPUT", {("first", "INVALID")})


def test_stranger_has_no_events(api: Api) -> None:
    assert api(EVENTS).code == "UNAUTHENTICATED"
