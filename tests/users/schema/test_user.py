"""The user, as the user sees it."""

from datetime import datetime

import pytest
from django.contrib.auth.models import Group

from tests.api import Api
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
