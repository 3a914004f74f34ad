"""Privilege escalation: undeclared arguments, and the data of other users."""

import orjson
import pytest
from django.test import Client
from graphql import GraphQLNonNull

from gateway.graphql.schema import schema
from tests.api import PASSWORD, Api
from users.models import User

WANTED = {
    "isStaff": "true",
    "is_staff": "true",
    "isSuperuser": "true",
    "isActive": "true",
    "emailVerified": "true",
    "isEmailVerified": "true",
    "role": '"admin"',
    "roles": '["admin"]',
    "groups": "[1]",
    "userPermissions": "[1]",
    "userId": '"1"',
    "dateJoined": '"2000-01-01T00:00:00Z"',
    "credentialVersion": "0",
    "input": "{isStaff: true}",
}
FITTING = {
    "String!": '"x"',
    "ID!": '"x"',
    "Boolean!": "true",
    "PasskeyAssertion!": "{}",
    "PasskeyRegistration!": "{}",
}
REGISTER = (
    "mutation ($u: String!, $e: String!, $p: String!) { register(username: $u, email: $e, password: $p) { token } }"
)


def plain(user: User) -> bool:
    """Return whether a user has no special permissions."""
    special = (user.is_staff, user.is_superuser, user.is_email_verified, user.groups.exists())
    return not any(special) and user.is_active and not user.user_permissions.exists()


@pytest.mark.parametrize("operation", sorted(schema.graphql_schema.mutation_type.fields))
def test_s16_no_mutation_takes_an_argument_that_gives_a_privilege(api: Api, operation: str) -> None:
    alice = api.new_member("alice")
    field = schema.graphql_schema.mutation_type.fields[operation]
    required = {key: str(arg.type) for key, arg in field.args.items() if isinstance(arg.type, GraphQLNonNull)}
    needed = "".join(f"{key}: {FITTING[kind]}, " for key, kind in required.items())
    for argument, value in WANTED.items():
        answer = alice(f"mutation {{ {operation}({needed}{argument}: {value}) {{ __typename }} }}")
        assert answer.code == "GRAPHQL_VALIDATION_FAILED"
        assert answer.error["message"].startswith(f"Unknown argument '{argument}'")
    assert plain(User.objects.get())


def test_s16_undeclared_variables_give_no_privilege(api: Api) -> None:
    values = {name: orjson.loads(value) for name, value in WANTED.items() if name != "input"}
    values["id"] = values["userId"] = "00000000-0000-4000-8000-000000000000"
    arguments = {"u": "alice", "e": "alice@example.com", "p": PASSWORD}
    body = {"query": REGISTER, "variables": arguments | values, "extensions": values, **values}
    token = api.post(orjson.dumps(body)).data["register"]["token"]
    user = User.objects.get()
    assert plain(user)
    assert str(user.id) != values["id"]
    update = "mutation ($bio: String) { updateProfile(bio: $bio) { user { bio } } }"
    assert api(update, {"bio": "hello"} | values, token=token).data["updateProfile"]
    assert plain(User.objects.get(bio="hello"))
    assert api("{ me { roles isEmailVerified } }", token=token).data["me"] == {"roles": [], "isEmailVerified": False}


def test_s16_a_text_takes_no_list_or_object_for_a_filter(api: Api) -> None:
    api.new_member("alice")
    for odd in ({"$ne": ""}, {"startswith": "a"}, ["alice"], True, 1, None):
        answer = api.sign_in("alice", odd)
        assert answer.code == "BAD_USER_INPUT"
        assert "token" not in str(answer.json.get("data"))
        assert api.sign_in(odd, PASSWORD).code == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "query",
    [
        "{ me(id: $id) { id } }",
        "{ me { user(id: $id) { id } } }",
        "{ user(id: $id) { email } }",
        "{ users { email } }",
        "{ node(id: $id) { id } }",
        "{ session(id: $id) { ipAddress } }",
        "{ me { sessions(user: $id) { id } } }",
        "{ me { events(user: $id) { edges { cursor } } } }",
        "{ dashboard(user: $id) { message } }",
        "{ me { password } }",
        "{ me { sessions { current selector } } }",
    ],
)
def test_nothing_of_another_s_can_be_asked_for(api: Api, query: str) -> None:
    alice, bob = api.new_member("alice"), api.new_member("bob")
    answer = alice(query.replace("$id", f'"{bob.claims["sub"]}"'))
    assert answer.json["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert "data" not in answer.json


def test_a_cursor_of_another_s_shows_one_s_own(api: Api) -> None:
    page = "query ($a: String) { me { events(first: 5, after: $a) { edges { cursor node { id } } } } }"
    alice, bob = api.new_member("alice"), api.new_member("bob")
    (theirs,) = bob(page).data["me"]["events"]["edges"]
    (own,) = alice(page).data["me"]["events"]["edges"]
    seen = alice(page, a=theirs["cursor"]).data["me"]["events"]["edges"]
    assert seen == [own]
    assert theirs["node"]["id"] != own["node"]["id"]


def test_s43_admin_cookie_does_not_authenticate_at_the_endpoint(api: Api) -> None:
    User.objects.create_superuser("root", "root@example.com", PASSWORD)
    api.client = Client()
    assert api.client.post("/admin/login/", {"username": "root", "password": PASSWORD}).status_code == 302
    assert api.client.cookies["sessionid"].value
    answer = api.me()
    assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", "TOKEN_MISSING")
    assert api('mutation { updateProfile(bio: "forged") { user { id } } }').code == "UNAUTHENTICATED"


def test_no_member_enters_the_admin(api: Api) -> None:
    alice = api.new_member("alice")
    headers = {"Authorization": f"Bearer {alice.token}"}
    for address in ("/admin/", "/admin/users/user/", f"/admin/users/user/{alice.claims['sub']}/change/"):
        answer = Client().get(address, headers=headers)
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/admin/login/")
