"""The user, as the user sees it."""

from datetime import datetime

import pytest
from django.contrib.auth.models import Group
from graphql import get_named_type, is_composite_type

from gateway.graphql.schema import schema
from tests.api import NEW_PASSWORD, Api, Member
from tests.mail_flows import ADDRESS, OTHER, change_email, request_mail, verified_member
from tests.mailbox import last_mail_to
from users.models import User


def test_a_user_sees_all_of_the_account(api: Api) -> None:
    alice = api.new_member("alice", fullName="Alice")
    api.sign_in_member("alice")
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
    assert api.new_member("alice")(f"{{ me {{ {field} }} }}").code == "GRAPHQL_VALIDATION_FAILED"


def test_stranger_sees_no_user(api: Api) -> None:
    api.new_member("alice")
    answer = api("{ me { id username sessions { id } } }")
    assert (answer.code, answer.json["data"]) == ("UNAUTHENTICATED", {"me": None})


PRIVATE = {
    "sessions": "sessions { id }",
    "events": "events { edges { node { kind } } }",
    "security": "security { hasPassword }",
}
BY_MAIL = {
    "verifyEmail": ("verifyEmail(token: $token)", "verified", True),
    "resetPassword": (f'resetPassword(token: $token, newPassword: "{NEW_PASSWORD}")', "endedSessions", 1),
}


def mailed(name: str) -> tuple[Member, str]:
    """A member with a live session, and the token that was mailed for a mutation."""
    alice = Api().new_member("alice") if name == "verifyEmail" else verified_member()
    if name == "resetPassword":
        request_mail("reset")
    if name == "undoEmailChange":
        change_email(alice)
    return alice, last_mail_to(ADDRESS).token


@pytest.mark.parametrize("field", PRIVATE)
@pytest.mark.parametrize("name", BY_MAIL)
def test_a_refused_field_does_not_hide_that_a_mailed_token_took_effect(api: Api, name: str, field: str) -> None:
    _, token = mailed(name)
    call, effect, value = BY_MAIL[name]
    answer = api(
        f"mutation ($token: String!) {{ {call} {{ {effect} user {{ {PRIVATE[field]} }} }} }}", {"token": token}
    )
    assert (answer.code, answer.error["path"]) == ("FORBIDDEN", [name, "user", field])
    assert answer.json["data"] == {name: {effect: value, "user": None}}


@pytest.mark.parametrize("name", BY_MAIL)
def test_the_access_token_of_another_user_shows_no_more(api: Api, name: str) -> None:
    _, token = mailed(name)
    call, effect, value = BY_MAIL[name]
    document = f"mutation ($token: String!) {{ {call} {{ {effect} user {{ sessions {{ id }} }} }} }}"
    answer = api(document, {"token": token}, token=api.new_member("mallory").token)
    assert (answer.code, answer.json["data"]) == ("FORBIDDEN", {name: {effect: value, "user": None}})


def test_verify_email_shows_private_fields_to_the_users_own_session(api: Api) -> None:
    alice, token = mailed("verifyEmail")
    api.sign_in_member("alice")
    document = """mutation ($token: String!) { verifyEmail(token: $token) {
        verified user { isEmailVerified sessions { id isCurrent } events { edges { node { kind } } } } } }"""
    user = alice(document, token=token).data["verifyEmail"]["user"]
    assert user["sessions"] == [{"id": alice.claims["sid"], "isCurrent": True}]
    assert "EMAIL_VERIFIED" in [edge["node"]["kind"] for edge in user["events"]["edges"]]


@pytest.mark.parametrize("name", ["resetPassword", "undoEmailChange"])
def test_what_ends_all_sessions_shows_none_and_the_events_to_the_session_that_asked(api: Api, name: str) -> None:
    alice, token = mailed(name)
    call = BY_MAIL[name][0] if name in BY_MAIL else "undoEmailChange(token: $token)"
    document = f"""mutation ($token: String!) {{ {call} {{
        endedSessions user {{ sessions {{ id }} events {{ edges {{ node {{ kind }} }} }} }} }} }}"""
    answer = alice(document, token=token).data[name]
    assert (answer["endedSessions"], answer["user"]["sessions"]) == (1, [])
    kinds = {edge["node"]["kind"] for edge in answer["user"]["events"]["edges"]}
    assert {"SESSION_ENDED", "PASSWORD_RESET" if name == "resetPassword" else "EMAIL_CHANGE_UNDONE"} <= kinds
    assert api.me(alice.token).code == "UNAUTHENTICATED"


@pytest.mark.parametrize("field", schema.graphql_schema.type_map["User"].fields)
def test_undo_email_change_answers_every_field_or_refuses_before_it_takes_effect(api: Api, field: str) -> None:
    # Its `user` is not nullable, so that an error inside it would hide the effect.
    _, token = mailed("undoEmailChange")
    kind = schema.graphql_schema.type_map["User"].fields[field].type
    selection = f"{field} {{ __typename }}" if is_composite_type(get_named_type(kind)) else field
    document = """mutation ($token: String!) { undoEmailChange(token: $token) { user { ...a ... { id } } } }
        fragment a on User { %s }"""
    answer = api(document % selection, {"token": token})
    if field in PRIVATE:
        assert (answer.code, User.objects.get().email) == ("FORBIDDEN", OTHER)
        assert api(document % "email", {"token": token}).data["undoEmailChange"]["user"]["email"] == ADDRESS
    else:
        assert field in answer.data["undoEmailChange"]["user"]
