"""Changing one's password, as a client sees it."""

from graphql_jwt.shortcuts import get_token

from tests.api import NEW_PASSWORD, PASSWORD, Api
from tests.mail_flows import ADDRESS, request_mail, reset_password
from tests.mailbox import last_mail_to
from users.models import User

CHANGE = """mutation ($old: String!, $new: String!) {
    changePassword(oldPassword: $old, newPassword: $new) {
        endedSessions user { id username sessions { isCurrent } } } }"""


def test_change_password_answers_with_the_user_and_how_many_sessions_ended(api: Api) -> None:
    alice = api.new_member("alice")
    api.sign_in_member("alice")
    assert alice(CHANGE, old=PASSWORD, new=NEW_PASSWORD).data["changePassword"]["endedSessions"] == 1
    user = alice(CHANGE, old=NEW_PASSWORD, new=PASSWORD).data["changePassword"]["user"]
    assert user == {"id": alice.claims["sub"], "username": "alice", "sessions": [{"isCurrent": True}]}


def test_a_wrong_password_names_its_argument_and_is_no_reason_to_refresh(api: Api) -> None:
    answer = api.new_member("alice")(CHANGE, old="wrong", new=NEW_PASSWORD)
    assert answer.json["data"] == {"changePassword": None}
    assert answer.extensions == {"code": "INVALID_CREDENTIALS", "field": "oldPassword"}
    assert answer.error["message"] == "The password is wrong."


def test_a_weak_password_names_its_argument(api: Api) -> None:
    answer = api.new_member("alice")(CHANGE, old=PASSWORD, new="password")
    assert answer.field_errors == {("newPassword", "PASSWORD_TOO_COMMON")}


def test_change_password_refuses_an_account_without_a_password(api: Api) -> None:
    api.new_member("alice")
    user = User.objects.get()
    user.set_password(None)
    user.save()
    answer = api(CHANGE, {"old": "", "new": NEW_PASSWORD}, token=get_token(user))
    assert (answer.code, answer.json["data"]) == ("FORBIDDEN", {"changePassword": None})
    assert "requestPasswordReset" in answer.error["message"]


def test_a_stranger_changes_nothing(api: Api) -> None:
    answer = api(CHANGE, {"old": PASSWORD, "new": NEW_PASSWORD})
    assert (answer.code, answer.json["data"]) == ("UNAUTHENTICATED", {"changePassword": None})


def test_request_password_reset_answers_that_it_was_accepted(api: Api) -> None:
    assert request_mail("reset").json == {"data": {"requestPasswordReset": {"accepted": True}}}
    refused = request_mail("reset", "rubbish")
    assert (refused.json["data"], refused.field_errors) == ({"requestPasswordReset": None}, {("email", "INVALID")})


def test_reset_password_answers_with_the_user_and_how_many_sessions_ended_and_with_no_token(api: Api) -> None:
    alice = api.new_member("alice")
    request_mail("reset")
    document = """mutation ($token: String!, $new: String!, $email: String) {
        resetPassword(token: $token, newPassword: $new, email: $email) { endedSessions user { id username email } } }"""
    answer = api(document, {"token": last_mail_to(ADDRESS).code, "new": NEW_PASSWORD, "email": ADDRESS})
    assert answer.json == {
        "data": {
            "resetPassword": {
                "endedSessions": 1,
                "user": {"id": alice.claims["sub"], "username": "alice", "email": ADDRESS},
            }
        }
    }
    assert not answer.response.cookies


def test_a_dead_token_resets_nothing_and_a_weak_password_is_named(api: Api) -> None:
    api.new_member("alice")
    refused = reset_password("A" * 43)
    assert (refused.json["data"], refused.extensions) == ({"resetPassword": None}, {"code": "TOKEN_INVALID"})
    request_mail("reset")
    assert reset_password(last_mail_to(ADDRESS).token, "password").field_errors == {
        ("newPassword", "PASSWORD_TOO_COMMON")
    }
