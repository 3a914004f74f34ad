"""Oversized everything: arguments, headers, addresses, nesting, documents, bodies."""

import random
import unicodedata
from typing import Any

import orjson
import pytest
from graphql import GraphQLObjectType, get_named_type

from gateway.graphql.schema import schema
from tests.api import PASSWORD, Api
from tests.mail_flows import ADDRESS, request_mail
from tests.mailbox import last_mail_to
from users.models import Attempts, Event, Session, User

LARGE = 90_000
# No spelling of a limited text is normalized beyond this many characters.
MOST_NORMALIZED = 4_000
TEXTS = {
    "plain": "a" * LARGE,
    "grows eighteenfold": "\ufdfa" * (LARGE // 3),
    "combining marks": "\u0344" * 24_300 + "\u0316" * 24_300,
}
REFUSED = {
    "register.username": ("BAD_USER_INPUT", "username"),
    "register.email": ("BAD_USER_INPUT", "email"),
    "register.password": ("BAD_USER_INPUT", "password"),
    "register.passwordConfirmation": ("BAD_USER_INPUT", "passwordConfirmation"),
    "register.fullName": ("BAD_USER_INPUT", "fullName"),
    "register.deviceName": ("BAD_USER_INPUT", "deviceName"),
    "updateProfile.username": ("BAD_USER_INPUT", "username"),
    "updateProfile.fullName": ("BAD_USER_INPUT", "fullName"),
    "updateProfile.bio": ("BAD_USER_INPUT", "bio"),
    "updateProfile.imageUrl": ("BAD_USER_INPUT", "imageUrl"),
    "deleteAccount.password": ("INVALID_CREDENTIALS", None),
    "tokenAuth.username": ("INVALID_CREDENTIALS", None),
    "tokenAuth.password": ("INVALID_CREDENTIALS", None),
    "tokenAuth.deviceName": ("BAD_USER_INPUT", "deviceName"),
    "changePassword.oldPassword": ("INVALID_CREDENTIALS", None),
    "changePassword.newPassword": ("BAD_USER_INPUT", "newPassword"),
    "requestPasswordReset.email": ("BAD_USER_INPUT", "email"),
    "resetPassword.token": ("TOKEN_INVALID", None),
    "resetPassword.newPassword": ("BAD_USER_INPUT", "newPassword"),
    "resetPassword.email": ("TOKEN_INVALID", None),
    "verifyEmail.token": ("TOKEN_INVALID", None),
    "verifyEmail.email": ("TOKEN_INVALID", None),
    "requestEmailVerification.email": ("BAD_USER_INPUT", "email"),
    "requestEmailVerification.username": ("BAD_USER_INPUT", "username"),
    "changeEmail.newEmail": ("BAD_USER_INPUT", "newEmail"),
    "changeEmail.password": ("INVALID_CREDENTIALS", None),
    "undoEmailChange.token": ("TOKEN_INVALID", None),
    "verifyToken.token": ("TOKEN_INVALID", None),
    "refreshToken.refreshToken": ("TOKEN_INVALID", None),
    "endSession.id": ("NOT_FOUND", None),
    "secondFactorAuth.challenge": ("TOKEN_INVALID", None),
    "secondFactorAuth.code": ("TOKEN_INVALID", None),
    "reauthenticate.password": ("INVALID_CREDENTIALS", None),
    "reauthenticate.code": ("INVALID_CREDENTIALS", None),
    "confirmTotpSetup.setup": ("TOKEN_INVALID", None),
    "confirmTotpSetup.code": ("TOKEN_INVALID", None),
    "passkeyAssertionOptions.challenge": ("TOKEN_INVALID", None),
    "passkeyAuth.deviceName": ("BAD_USER_INPUT", "deviceName"),
    "registerPasskey.name": ("BAD_USER_INPUT", "name"),
    "renamePasskey.id": ("NOT_FOUND", None),
    "renamePasskey.name": ("BAD_USER_INPUT", "name"),
    "removePasskey.id": ("NOT_FOUND", None),
}
NEEDED = {
    "register": {"username": "bob", "email": "bob@example.com", "password": PASSWORD},
    "tokenAuth": {"username": "alice", "password": PASSWORD},
    "changePassword": {"oldPassword": PASSWORD, "newPassword": "a wholly different one"},
    "resetPassword": {"token": "", "newPassword": "a wholly different one"},
    "verifyEmail": {"token": "A"},
    "requestEmailVerification": {"email": "alice@example.com"},
    "changeEmail": {"newEmail": "alice@example.org", "password": PASSWORD},
    "secondFactorAuth": {"challenge": "x", "code": "123456"},
    "confirmTotpSetup": {"setup": "x", "code": "123456"},
    "passkeyAuth": {"passkey": {}},
    "registerPasskey": {"passkey": {}},
    "renamePasskey": {"id": "00000000-0000-4000-8000-000000000000", "name": "phone"},
}
# Any text of the size of a body is posted to the dashboard; revocation is silent about unknown tokens.
ACCEPTED = {"dashboard.text", "revokeToken.refreshToken"}


@pytest.fixture
def normalized(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of the texts that were normalized."""
    seen: list[int] = []
    normalize = unicodedata.normalize
    monkeypatch.setattr(unicodedata, "normalize", lambda form, text: (seen.append(len(text)), normalize(form, text))[1])
    return seen


def test_s94_the_table_has_every_text_argument_of_every_operation() -> None:
    mutation, user = schema.graphql_schema.mutation_type, schema.graphql_schema.get_type("User")
    assert isinstance(mutation, GraphQLObjectType)
    assert isinstance(user, GraphQLObjectType)
    arguments = {
        f"{name}.{argument}"
        for kind in (mutation, user)
        for name, field in kind.fields.items()
        for argument, each in field.args.items()
        if str(get_named_type(each.type)) in {"String", "ID"}
    }
    assert arguments == {*REFUSED, *ACCEPTED, "events.after"}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("place", REFUSED)
def test_s13_s17_s94_an_oversized_argument_is_refused_and_neither_normalized_nor_hashed_nor_stored(
    api: Api, hashed: list[str], normalized: list[int], place: str, text: str
) -> None:
    alice = api.new_member("alice")
    operation, argument = place.split(".")
    needed = NEEDED.get(operation, {})
    if operation == "resetPassword":
        request_mail("reset")
        needed = needed | {"token": last_mail_to(ADDRESS).token}
    hashed.clear()
    normalized.clear()
    code, field = REFUSED[place]
    variables = needed | {argument: TEXTS[text]}
    types = {name: each.type for name, each in schema.graphql_schema.mutation_type.fields[operation].args.items()}
    declared = ", ".join(f"${name}: {types[name]}" for name in variables)
    given = ", ".join(f"{name}: ${name}" for name in variables)
    answer = alice(f"mutation ({declared}) {{ {operation}({given}) {{ __typename }} }}", **variables)
    assert answer.code == code
    if field:
        assert field in {each["field"] for each in answer.extensions["fieldErrors"]}
    assert len(answer.response.content) < 1_000
    assert max(map(len, hashed), default=0) <= 256
    assert max(normalized, default=0) <= MOST_NORMALIZED
    kept = [*User.objects.values_list(), *Session.objects.values_list(), *Event.objects.values_list()]
    assert max(len(str(each)) for each in kept) < 1_000
    assert User.objects.count() == Session.objects.count() == 1


@pytest.mark.parametrize("text", TEXTS)
def test_s94_an_oversized_cursor_is_refused(api: Api, normalized: list[int], text: str) -> None:
    answer = api.new_member("alice")(
        "query ($a: String) { me { events(after: $a) { edges { cursor } } } }", a=TEXTS[text]
    )
    assert answer.field_errors == {("after", "INVALID")}
    assert max(normalized, default=0) <= MOST_NORMALIZED


def test_s94_a_long_password_that_composes_to_a_short_one_is_not_cut(api: Api) -> None:
    # Four code points each, when decomposed.
    composed = "".join(random.Random(1).choices("\u1f82\u1f83\u1f84\u1f85\u1f92\u1f93\u1f94\u1f95", k=256))
    password = unicodedata.normalize("NFD", composed)
    assert api.register("alice", password=password + "\u0301").field_errors == {("password", "TOO_LONG")}
    assert "errors" not in api.register("alice", password=password).json
    assert "errors" not in api.sign_in("alice", composed).json
    assert api.sign_in("alice", password + "any other end").code == "INVALID_CREDENTIALS"


def test_a_text_to_post_is_as_large_as_a_body_may_be_and_is_kept_nowhere(api: Api) -> None:
    alice, text = api.new_member("alice"), "a" * LARGE
    post = "mutation ($text: String!) { dashboard(text: $text) { message } }"
    assert alice(post, text=text).data["dashboard"]["message"].endswith(text)
    assert alice(post, text=text + "a" * 10_000).status == 413
    assert alice("{ me { events(first: 5) { edges { node { kind } } } } }").data["me"]["events"]["edges"] == [
        {"node": {"kind": "ACCOUNT_REGISTERED"}}
    ]


@pytest.mark.parametrize("name", ["Authorization", "User-Agent", "X-Request-Id", "X-Forwarded-For", "Accept", "Cookie"])
def test_s44_an_oversized_header_breaks_nothing_and_is_kept_short(api: Api, settings: Any, name: str) -> None:
    settings.GATEWAY_TRUSTED_PROXIES = 1
    api.new_member("alice")
    for value in ("Bearer " + "a" * LARGE, "Bearer " + ".".join("a" * 9_000), ", ".join(["10.0.0.1"] * 9_000)):
        answer = api.sign_in("alice", **{name: value})
        assert answer.status == (406 if name == "Accept" else 200)
        assert len(answer.response.content) < 2_000
        assert len(answer.response["X-Request-Id"]) <= 64
    assert max((len(each) for each in Session.objects.values_list("user_agent", flat=True)), default=0) <= 300
    assert max(len(key) for key in Attempts.objects.values_list("key", flat=True)) <= 100


DOCUMENTS = {
    "characters": "{ me { id } } #" + "a" * LARGE,
    "one name": "{ " + "a" * LARGE + " }",
    "one text": '{ me { events(after: "' + "a" * LARGE + '") { edges { cursor } } } }',
    "tokens": "{ " + "a " * 5_000 + "}",
    "nested fields": "{ me " * 2_000 + "{ id }" + " }" * 2_000,
    "nested lists": "{ me(a: " + "[" * 5_000 + "]" * 5_000 + ") { id } }",
    "nested objects": "{ me(a: " + "{a: " * 3_000 + "1" + "}" * 3_000 + ") { id } }",
    "nested types": "query ($a: " + "[" * 5_000 + "Int" + "]" * 5_000 + ") { __typename }",
    "nested fragments": "{ " + "... { " * 2_000 + "__typename" + " }" * 2_000 + " }",
    "directives": "{ __typename " + "@skip(if: false) " * 300 + "}",
    "aliases": "{ " + " ".join(f"a{n}: __typename" for n in range(400)) + " }",
    "root fields": "{ " + "me { id } " * 200 + "}",
    "doubling fragments": "{ ...f0 } "
    + " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(28))
    + " fragment f28 on Query { me { id } }",
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_s67_s68_s69_an_oversized_document_is_refused_before_it_is_validated(
    api: Api, statements: Any, name: str
) -> None:
    alice = api.new_member("alice")
    with statements() as seen:
        for answer in (alice(DOCUMENTS[name]), api.get(query=DOCUMENTS[name])):
            assert answer.code == "OPERATION_TOO_COMPLEX", answer.json
            assert "data" not in answer.json
            assert len(answer.response.content) < 1_000
    assert seen == []


BODIES = {
    "lists": b"[" * 50_000 + b"]" * 49_000,
    "objects": b'{"query":' * 9_000 + b"1" + b"}" * 9_000,
    "nested variables": b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * 40_000 + b"]" * 40_000 + b"}}",
    "a number": b'{"query": "{ __typename }", "variables": {"a": ' + b"9" * 90_000 + b"}}",
    "an exponent": b'{"query": "{ __typename }", "variables": {"a": 1e999999}}',
    "a batch": b"[" + b'{"query":"{me{id}}"},' * 4_000 + b"1]",
}


@pytest.mark.parametrize("name", BODIES)
def test_s70_an_oversized_nesting_or_number_is_a_bad_request(api: Api, name: str) -> None:
    answer = api.post(BODIES[name])
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")
    assert len(answer.response.content) < 500


def test_s70_variables_nested_as_deeply_as_json_may_be_do_not_fit(api: Api) -> None:
    document = b'"mutation ($p: String!) { tokenAuth(username: \\"alice\\", password: $p) { token } }"'
    for depth in (1, 100, 400):
        nested = b'{"a":[' * depth + b"1" + b"]}" * depth
        answer = api.post(b'{"query": ' + document + b', "variables": {"p": ' + nested + b"}}")
        assert (answer.status, answer.code) == (200, "BAD_USER_INPUT")
        assert len(answer.response.content) < 1_500


@pytest.mark.parametrize("size", [100_001, 10_000_000])
def test_s71_an_oversized_body_is_read_no_further(api: Api, hashed: list[str], size: int) -> None:
    document = 'mutation ($p: String!) { tokenAuth(username: "alice", password: $p) { token } }'
    answer = api.post(orjson.dumps({"query": document, "variables": {"p": "a" * size}}))
    assert (answer.status, answer.code) == (413, "BAD_REQUEST")
    assert hashed == []


def test_s70_an_oversized_address_is_refused(api: Api) -> None:
    for parameters in (
        {"query": "{ __typename }", "variables": "[" * LARGE},
        {"query": "{ __typename }", "extensions": "{" * LARGE},
        {"query": "{ __typename }", **{f"p{n}": "x" for n in range(2_000)}},
    ):
        answer = api.get(**parameters)
        assert (answer.status, answer.code) == (400, "BAD_REQUEST")
    answer = api.get(query="{ __typename }", operationName="a" * LARGE)
    assert answer.code == "OPERATION_RESOLUTION_FAILURE"
    assert len(answer.response.content) < 1_000
