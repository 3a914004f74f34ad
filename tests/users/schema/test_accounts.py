"""Joining, reading and describing oneself, as a client sees it."""

from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone
from graphql_jwt.shortcuts import get_token

from tests.api import PASSWORD, Api
from tests.mail_flows import delete_account
from tests.mailbox import deliver
from users.models import Event, Session, User

REGISTER = """mutation ($username: String!) {
    register(username: $username, email: "alice@example.com", password: "%s", fullName: "Alice", deviceName: "laptop") {
        token refreshToken refreshExpiresIn payload claims { sub sid iss aud iat exp username email }
        user { id username email isEmailVerified fullName bio imageUrl lastLogin roles sessions { deviceName } } } }"""
UPDATE = """mutation ($username: String, $bio: String) {
    updateProfile(username: $username, bio: $bio, fullName: "Alice L.", imageUrl: "https://example.com/a.png") {
        user { id username email fullName bio imageUrl } } }"""


def test_register_answers_with_the_account_and_its_first_pair(api: Api) -> None:
    grant = api(REGISTER % PASSWORD, {"username": "alice"}).data["register"]
    user, session = User.objects.get(), Session.objects.get()
    claims = grant.pop("claims")
    issued = int(session.created_at.timestamp())
    assert claims == {
        "sub": str(user.id),
        "sid": str(session.id),
        "iss": "http://localhost:8000",
        "aud": "gateway",
        "iat": issued,
        "exp": issued + 300,
        "username": None,
        "email": None,
    }
    assert len(grant.pop("token").split(".")) == 3
    assert len(grant.pop("refreshToken")) == 64
    payload = grant.pop("payload")
    assert (payload["username"], payload["origIat"], payload["exp"]) == ("alice", issued, issued + 300)
    assert grant == {
        "refreshExpiresIn": int(session.absolute_expires_at.timestamp()),
        "user": {
            "id": str(user.id),
            "username": "alice",
            "email": "alice@example.com",
            "isEmailVerified": False,
            "fullName": "Alice",
            "bio": "",
            "imageUrl": None,
            "lastLogin": None,
            "roles": [],
            "sessions": [{"deviceName": "laptop"}],
        },
    }


def test_register_names_invalid_arguments(api: Api) -> None:
    api.new_member("alice")
    answer = api(REGISTER % "1234567", {"username": "Alice"})
    assert (answer.status, answer.json["data"], answer.error["path"]) == (200, {"register": None}, ["register"])
    assert answer.code == "BAD_USER_INPUT"
    assert {each["field"] for each in answer.extensions["fieldErrors"]} == {"username", "email", "password"}
    assert all(each["message"] for each in answer.extensions["fieldErrors"])


def test_me_is_the_account(api: Api) -> None:
    alice = api.new_member("alice")
    assert alice("{ me { id username email fullName } }").data == {
        "me": {"id": alice.claims["sub"], "username": "alice", "email": "alice@example.com", "fullName": ""}
    }


def test_update_profile_answers_with_the_account_as_it_is_now(api: Api) -> None:
    alice = api.new_member("alice")
    assert alice(UPDATE, username="thornby", bio="text").data == {
        "updateProfile": {
            "user": {
                "id": alice.claims["sub"],
                "username": "thornby",
                "email": "alice@example.com",
                "fullName": "Alice L.",
                "bio": "text",
                "imageUrl": "https://example.com/a.png",
            }
        }
    }


def test_update_profile_names_invalid_arguments(api: Api) -> None:
    api.new_member("bob")
    answer = api.new_member("alice")(UPDATE, username="BOB", bio="a" * 2_001)
    assert answer.json["data"] == {"updateProfile": None}
    assert answer.field_errors == {("username", "TAKEN"), ("bio", "TOO_LONG")}


def test_register_answers_with_nothing_where_addresses_must_be_proven_first(api: Api, settings: Any) -> None:
    settings.GATEWAY_EMAIL_VERIFICATION = "required"
    answer = api(REGISTER % PASSWORD, {"username": "alice"})
    names = ("token", "refreshToken", "refreshExpiresIn", "payload", "claims", "user")
    assert answer.json == {"data": {"register": dict.fromkeys(names)}}
    refused = api.sign_in("alice")
    assert refused.json["data"] == {"tokenAuth": None}
    assert refused.extensions == {"code": "EMAIL_NOT_VERIFIED"}


def test_delete_account_answers_with_the_moment_of_erasing(api: Api, settings: Any) -> None:
    alice = api.new_member("alice")
    refused = delete_account(alice, "wrong")
    assert refused.json["data"] == {"deleteAccount": None}
    assert refused.extensions == {"code": "INVALID_CREDENTIALS", "field": "password"}
    moment = datetime.fromisoformat(delete_account(alice).data["deleteAccount"]["erasedAt"])
    assert moment == User.objects.get().erases_at
    gone = delete_account(alice)
    assert (gone.code, gone.json["data"]) == ("UNAUTHENTICATED", {"deleteAccount": None})


def test_a_stranger_closes_nothing(api: Api) -> None:
    api.new_member("alice")
    answer = api(f'mutation {{ deleteAccount(password: "{PASSWORD}") {{ erasedAt }} }}')
    assert (answer.code, answer.json["data"]) == ("UNAUTHENTICATED", {"deleteAccount": None})


def keys(value: Any) -> set[str]:
    """All keys of all objects in a JSON value."""
    match value:
        case dict():
            return set(value).union(*map(keys, value.values()))
        case list():
            return set().union(*map(keys, value))
    return set()


def test_account_export_is_a_json_object_with_camel_case_keys(api: Api) -> None:
    alice = api.new_member("alice", deviceName="laptop")
    deliver()
    Event.objects.create(user=User.objects.get(), kind="x", at=timezone.now(), facts={"is_new": [{"user_agent": ""}]})
    export = alice("{ accountExport }").data["accountExport"]
    assert list(export) == [
        "id",
        "username",
        "email",
        "isEmailVerified",
        "fullName",
        "bio",
        "imageUrl",
        "dateJoined",
        "lastLogin",
        "twoFactorSince",
        "roles",
        "sessions",
        "authenticatorApps",
        "passkeys",
        "recoveryCodes",
        "events",
        "emailTokens",
    ]
    assert export["id"] == alice.claims["sub"]
    assert (export["sessions"][0]["deviceName"], export["emailTokens"][0]["purpose"]) == ("laptop", "verify")
    assert {"isNew", "userAgent"} <= keys(export["events"])
    assert not [key for key in keys(export) if "_" in key]


def test_account_export_needs_an_access_token_and_is_no_field_of_the_user(api: Api) -> None:
    alice = api.new_member("alice")
    stranger = api("{ accountExport }")
    assert (stranger.code, stranger.json["data"]) == ("UNAUTHENTICATED", {"accountExport": None})
    assert alice("{ me { export } }").code == "GRAPHQL_VALIDATION_FAILED"


def test_account_export_is_selected_once_in_a_document(api: Api) -> None:
    answer = api.new_member("alice")("{ accountExport also: accountExport }")
    assert (answer.code, answer.extensions["limit"]) == ("OPERATION_TOO_COMPLEX", "costly fields")


@pytest.mark.parametrize("argument", ["", "(password: null)"])
def test_delete_account_requires_the_password_of_an_account_that_has_one(api: Api, argument: str) -> None:
    answer = api.new_member("alice")(f"mutation {{ deleteAccount{argument} {{ erasedAt }} }}")
    assert (answer.code, answer.field_errors) == ("BAD_USER_INPUT", {("password", "REQUIRED")})
    assert User.objects.get().erases_at is None


@pytest.mark.parametrize("argument", ["", f'(password: "{PASSWORD}")'])
def test_delete_account_refuses_an_account_without_a_password(api: Api, argument: str) -> None:
    api.new_member("alice")
    user = User.objects.get()
    user.set_password(None)
    user.save()
    answer = api(f"mutation {{ deleteAccount{argument} {{ erasedAt }} }}", token=get_token(user))
    assert (answer.code, answer.json["data"]) == ("REAUTHENTICATION_REQUIRED", {"deleteAccount": None})
    assert "requestPasswordReset" in answer.error["message"]
    assert User.objects.get().erases_at is None
