"""Changing one's password, as a client sees it."""

from tests.api import NEW_PASSWORD, PASSWORD, Api

CHANGE = """mutation ($old: String!, $new: String!) {
    changePassword(oldPassword: $old, newPassword: $new) {
        endedSessions user { id username sessions { isCurrent } } } }"""


def test_change_password_answers_with_the_user_and_how_many_sessions_ended(api: Api) -> None:
    alice = api.join("alice")
    api.signed_in("alice")
    assert alice(CHANGE, old=PASSWORD, new=NEW_PASSWORD).data["changePassword"]["endedSessions"] == 1
    user = alice(CHANGE, old=NEW_PASSWORD, new=PASSWORD).data["changePassword"]["user"]
    assert user == {"id": alice.claims["sub"], "username": "alice", "sessions": [{"isCurrent": True}]}


def test_a_wrong_password_names_its_argument_and_is_no_reason_to_refresh(api: Api) -> None:
    answer = api.join("alice")(CHANGE, old="wrong", new=NEW_PASSWORD)
    assert answer.json["data"] == {"changePassword": None}
    assert answer.extensions == {"code": "INVALID_CREDENTIALS", "field": "oldPassword"}
    assert answer.error["message"] == "The old password is wrong."


def test_a_weak_password_names_its_argument(api: Api) -> None:
    answer = api.join("alice")(CHANGE, old=PASSWORD, new="password")
    assert answer.field_errors == {("newPassword", "PASSWORD_TOO_COMMON")}


def test_a_stranger_changes_nothing(api: Api) -> None:
    answer = api(CHANGE, {"old": PASSWORD, "new": NEW_PASSWORD})
    assert (answer.code, answer.json["data"]) == ("UNAUTHENTICATED", {"changePassword": None})
