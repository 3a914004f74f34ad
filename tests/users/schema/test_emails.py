"""Proving, changing and having back an address, as a client sees it."""

import pytest
from graphql_jwt.shortcuts import get_token

from tests.api import PASSWORD, Api
from tests.mail_flows import (
    ADDRESS,
    OTHER,
    change_email,
    request_email_change,
    request_mail,
    undo_email_change,
    verified_member,
    verify_email,
)
from tests.mailbox import last_mail_to, mails_to
from users.models import User

WHOLE = "user { id username email isEmailVerified fullName bio imageUrl lastLogin roles }"
VERIFY = (
    f"mutation ($token: String!, $email: String) {{ verifyEmail(token: $token, email: $email) {{ verified {WHOLE} }} }}"
)


def test_verify_email_answers_with_the_user_whose_address_it_is(api: Api) -> None:
    alice = api.new_member("alice", fullName="Alice")
    answer = api(VERIFY, {"token": last_mail_to(ADDRESS).code, "email": ADDRESS})
    assert answer.json == {
        "data": {
            "verifyEmail": {
                "verified": True,
                "user": {
                    "id": alice.claims["sub"],
                    "username": "alice",
                    "email": ADDRESS,
                    "isEmailVerified": True,
                    "fullName": "Alice",
                    "bio": "",
                    "imageUrl": None,
                    "lastLogin": None,
                    "roles": [],
                },
            }
        }
    }


def test_a_token_that_is_not_ours_is_no_reason_to_refresh(api: Api) -> None:
    for answer, name in ((verify_email("A" * 43), "verifyEmail"), (undo_email_change("A" * 43), "undoEmailChange")):
        assert (answer.status, answer.json["data"], answer.extensions) == (200, {name: None}, {"code": "TOKEN_INVALID"})
        assert answer.error["message"] == "The token in the argument is not valid, or was already used."


def test_request_email_verification_answers_that_it_was_accepted(api: Api) -> None:
    assert request_mail("verify").json == {"data": {"requestEmailVerification": {"accepted": True}}}
    refused = request_mail("verify", "rubbish")
    assert (refused.json["data"], refused.field_errors) == ({"requestEmailVerification": None}, {("email", "INVALID")})


def test_change_email_answers_that_it_was_accepted(api: Api) -> None:
    alice = verified_member()
    assert request_email_change(alice).json == {"data": {"changeEmail": {"accepted": True}}}
    refused = request_email_change(alice, OTHER, "wrong")
    assert refused.json["data"] == {"changeEmail": None}
    assert refused.extensions == {"code": "INVALID_CREDENTIALS", "field": "password"}
    assert request_email_change(alice, ADDRESS).field_errors == {("newEmail", "INVALID")}


@pytest.mark.parametrize("argument", ["", ", password: null"])
def test_change_email_requires_the_password_and_lists_every_invalid_argument(api: Api, argument: str) -> None:
    alice = verified_member()
    answer = alice(f'mutation {{ changeEmail(newEmail: "{OTHER}"{argument}) {{ accepted }} }}')
    assert (answer.code, answer.field_errors) == ("BAD_USER_INPUT", {("password", "REQUIRED")})
    answer = alice(f'mutation {{ changeEmail(newEmail: "rubbish"{argument}) {{ accepted }} }}')
    assert answer.field_errors == {("newEmail", "INVALID"), ("password", "REQUIRED")}
    assert mails_to(OTHER) == []


@pytest.mark.parametrize("argument", ["", f', password: "{PASSWORD}"'])
def test_change_email_refuses_an_account_without_a_password(api: Api, argument: str) -> None:
    verified_member()
    user = User.objects.get()
    user.set_password(None)
    user.save()
    document = f'mutation {{ changeEmail(newEmail: "{OTHER}"{argument}) {{ accepted }} }}'
    answer = api(document, token=get_token(user))
    assert (answer.code, answer.json["data"], mails_to(OTHER)) == (
        "REAUTHENTICATION_REQUIRED",
        {"changeEmail": None},
        [],
    )
    assert "requestPasswordReset" in answer.error["message"]


def test_a_stranger_changes_no_address(api: Api) -> None:
    answer = api(f'mutation {{ changeEmail(newEmail: "{OTHER}", password: "{PASSWORD}") {{ accepted }} }}')
    assert (answer.code, answer.json["data"]) == ("UNAUTHENTICATED", {"changeEmail": None})


def test_undo_email_change_answers_with_the_user_and_how_many_sessions_ended(api: Api) -> None:
    alice = verified_member()
    change_email(alice)
    document = f"mutation ($token: String!) {{ undoEmailChange(token: $token) {{ endedSessions {WHOLE} }} }}"
    answer = api(document, {"token": last_mail_to(ADDRESS).token}).data["undoEmailChange"]
    assert (answer["endedSessions"], answer["user"]["id"], answer["user"]["email"]) == (1, alice.claims["sub"], ADDRESS)


@pytest.mark.parametrize("name", ["verifyEmail", "requestEmailVerification", "changeEmail", "undoEmailChange"])
def test_without_its_arguments_nothing_is_asked(api: Api, name: str) -> None:
    errors = api(f"mutation {{ {name} {{ __typename }} }}").json["errors"]
    assert {error["extensions"]["code"] for error in errors} == {"GRAPHQL_VALIDATION_FAILED"}
