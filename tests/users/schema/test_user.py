"""The user, as the user sees it."""

import json
from datetime import datetime

import pytest
from django.contrib.auth.models import Group

from tests.api import NEW_PASSWORD, Api
from tests.mailed import ADDRESS, move, proven, request
from tests.post import last
from users.models import User


def test_a_user_sees_all_of_the_account(api: Api) -> None:
    alice = api.join("alice", fullName="Alice")
    api.signed_in("alice")
    row = User.objects.get()
    for name in ("editors", "admins"):
        row.groups.add(Group.objects.create(name=name))
    User.objects.update(bio="text", image_url="https://example.com/a.png", is_email_verified=True)
    document = """{ me { __typename id username email isEmailVerified fullName bio imageUrl dateJoined lastLogin roles
        sessions { id } } }"""
    me = alice(document).data["me"]
    assert len(me.pop("sessions")) == 2
    moments = [datetime.fromisoformat(me.pop(name)) for name in ("dateJoined", "lastLogin")]
    assert moments == [row.date_joined, row.last_login]
    assert me == {
        "__typename": "User",
        "id": str(row.id),
        "username": "alice",
        "email": "alice@example.com",
        "isEmailVerified": True,
        "fullName": "Alice",
        "bio": "text",
        "imageUrl": "https://example.com/a.png",
        "roles": ["admins", "editors"],
    }


@pytest.mark.parametrize(
    "field", ["password", "isStaff", "isSuperuser", "credentialVersion", "usernameKey", "permissions"]
)
def test_what_is_not_the_users_to_see_is_not_in_the_schema(api: Api, field: str) -> None:
    assert api.join("alice")(f"{{ me {{ {field} }} }}").code == "GRAPHQL_VALIDATION_FAILED"


def test_a_stranger_sees_nobody(api: Api) -> None:
    api.join("alice")
    answer = api("{ me { id username sessions { id } } }")
    assert (answer.code, answer.json["data"]) == ("UNAUTHENTICATED", {"me": None})


def test_what_is_held_is_taken_away_as_json(api: Api) -> None:
    alice = proven()
    taken = json.loads(alice("{ me { export } }").data["me"]["export"])
    assert list(taken) == [
        "id",
        "username",
        "email",
        "is_email_verified",
        "full_name",
        "bio",
        "image_url",
        "date_joined",
        "last_login",
        "roles",
        "sessions",
        "events",
        "proofs",
    ]
    assert taken["id"] == alice.claims["sub"]
    assert [each["kind"] for each in taken["events"]] == ["account.registered", "email.verified"]


def test_all_there_is_is_read_once_in_a_document(api: Api) -> None:
    answer = proven()("{ a: me { export } b: me { export } }")
    assert (answer.code, answer.extensions["limit"]) == ("OPERATION_TOO_COMPLEX", "costly fields")


KEPT = ["sessions { id }", "events { edges { cursor } }", "export"]
BY_MAIL = {
    "verifyEmail": "verifyEmail(token: $token)",
    "resetPassword": f'resetPassword(token: $token, newPassword: "{NEW_PASSWORD}")',
    "undoEmailChange": "undoEmailChange(token: $token)",
}


# Choosing a password and reading all there is are each too costly to stand beside the other.
TOGETHER = [(name, kept) for name in BY_MAIL for kept in KEPT if (name, kept) != ("resetPassword", "export")]


@pytest.mark.parametrize(("name", "kept"), TOGETHER)
@pytest.mark.parametrize("is_signed_in", [False, True])
def test_a_mailed_token_alone_does_not_show_what_the_user_keeps(
    api: Api, name: str, kept: str, is_signed_in: bool
) -> None:
    alice = api.join("alice") if name == "verifyEmail" else proven()
    if name == "resetPassword":
        request("reset")
    if name == "undoEmailChange":
        move(alice)
    document = f"mutation ($token: String!) {{ {BY_MAIL[name]} {{ user {{ username {kept} }} }} }}"
    answer = api(document, {"token": last(ADDRESS).token}, token=alice.token if is_signed_in else None)
    assert (answer.code, answer.json["data"]) == ("FORBIDDEN", {name: None})
    assert answer.error["path"] == [name, "user", kept.partition(" ")[0]]
