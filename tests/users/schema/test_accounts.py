"""Joining, reading and describing oneself, as a client sees it."""

from datetime import datetime
from typing import Any

from tests.api import PASSWORD, Api
from tests.mailed import close
from users.models import Session, User

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


def test_register_names_what_will_not_do(api: Api) -> None:
    api.join("alice")
    answer = api(REGISTER % "1234567", {"username": "Alice"})
    assert (answer.status, answer.json["data"], answer.error["path"]) == (200, {"register": None}, ["register"])
    assert answer.code == "BAD_USER_INPUT"
    assert {each["field"] for each in answer.extensions["fieldErrors"]} == {"username", "email", "password"}
    assert all(each["message"] for each in answer.extensions["fieldErrors"])


def test_me_is_the_account(api: Api) -> None:
    alice = api.join("alice")
    assert alice("{ me { id username email fullName } }").data == {
        "me": {"id": alice.claims["sub"], "username": "alice", "email": "alice@example.com", "fullName": ""}
    }


def test_update_profile_answers_with_the_account_as_it_is_now(api: Api) -> None:
    alice = api.join("alice")
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


def test_update_profile_names_what_will_not_do(api: Api) -> None:
    api.join("bob")
    answer = api.join("alice")(UPDATE, username="BOB", bio="a" * 2_001)
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
    alice = api.join("alice")
    refused = close(alice, "wrong")
    assert refused.json["data"] == {"deleteAccount": None}
    assert refused.extensions == {"code": "INVALID_CREDENTIALS", "field": "password"}
    moment = datetime.fromisoformat(close(alice).data["deleteAccount"]["erasedAt"])
    assert moment == User.objects.get().erases_at
    gone = close(alice)
    assert (gone.code, gone.json["data"]) == ("UNAUTHENTICATED", {"deleteAccount": None})


def test_a_stranger_closes_nothing(api: Api) -> None:
    api.join("alice")
    answer = api(f'mutation {{ deleteAccount(password: "{PASSWORD}") {{ erasedAt }} }}')
    assert (answer.code, answer.json["data"]) == ("UNAUTHENTICATED", {"deleteAccount": None})
