"""Document limits: each limit at its boundary, and documents that are expensive on purpose."""

import sys
import time
from collections import Counter
from typing import Any

import pytest
from django.db import transaction
from graphql import is_required_argument, parse
from graphql_jwt.shortcuts import get_token

from gateway.graphql import documents, limits
from gateway.graphql.errors import TooComplex
from gateway.graphql.schema import schema
from tests import mailbox
from tests.api import NEW_PASSWORD, PASSWORD, Api
from users.mail import email_tokens
from users.mail.email_tokens import Purpose
from users.models import Session, User
from users.passwords import hashing

# The dearest document that is accepted for parsing costs about 55 plain requests.
MAX_PLAIN_REQUESTS = 200
OWN = "id username email isEmailVerified fullName bio imageUrl dateJoined lastLogin roles "
SIGN_IN = 'tokenAuth(username: "alice", password: "{}") {{ token }}'
RIGHT = SIGN_IN.format(PASSWORD)
WRONG = SIGN_IN.format("wrong")


def aliased(count: int, *last: str) -> str:
    return " ".join(f"a{n}: {text}" for n, text in enumerate([WRONG] * (count - len(last)) + list(last)))


def nested(opening: str, inner: str, closing: str, times: int) -> str:
    return opening * times + inner + closing * times


def never(*args: Any, **kwargs: Any) -> Any:
    raise AssertionError("validated")


def counted(text: str) -> dict[str, int]:
    """Return the exceeded limit of a document, or None."""
    try:
        limits.check_limits(parse(text))
    except TooComplex as refusal:
        return {refusal.extensions["limit"]: refusal.extensions["counted"]}
    return {}


# --- each limit at its boundary ------------------------------------------------------------------

EDGES = {
    "characters": ("GATEWAY_MAX_DOCUMENT", 40, lambda n: "{ __typename }".ljust(n)),
    "tokens": ("GATEWAY_MAX_TOKENS", 10, lambda n: "{" + "id " * (n - 2) + "}"),
    "depth": ("GATEWAY_MAX_DEPTH", 3, lambda n: "{" + nested("me {", "id", "}", n - 1) + "}"),
    "fields": ("GATEWAY_MAX_FIELDS", 5, lambda n: "{ me {" + "id " * (n - 1) + "} }"),
    "aliases": ("GATEWAY_MAX_ALIASES", 3, lambda n: "{ me {" + " ".join(f"a{i}: id" for i in range(n)) + "} }"),
    "root fields": ("GATEWAY_MAX_ROOT_FIELDS", 3, lambda n: "{" + "me { id } " * n + "}"),
    "mutations": ("GATEWAY_MAX_MUTATIONS", 3, lambda n: "mutation {" + "endAllSessions { endedSessions } " * n + "}"),
    "directives on one node": (
        "GATEWAY_MAX_DIRECTIVES",
        2,
        lambda n: "{ me {" + "id " + "@include(if: true) " * n + "} }",
    ),
}


@pytest.mark.parametrize("limit", EDGES)
def test_s68_limit_is_a_setting_and_the_error_has_the_count(api: Api, settings: Any, limit: str) -> None:
    name, allowed, document = EDGES[limit]
    setattr(settings, name, allowed)
    assert "OPERATION_TOO_COMPLEX" not in api(document(allowed)).response.content.decode()
    refused = api(document(allowed + 1))
    assert refused.error["locations"], limit
    assert str(allowed) in refused.error["message"]
    assert refused.extensions == {
        "code": "OPERATION_TOO_COMPLEX",
        "limit": limit,
        "allowed": allowed,
        "counted": allowed + 1,
    }
    assert limit in refused.error["message"]


@pytest.mark.parametrize(
    ("limit", "document"),
    [
        ("depth", "{ me { ...a } } fragment a on User { sessions { ... { ... on Session { user { id } } } } }"),
        ("fields", "{ ...a ...a } fragment a on Query { me { id username email } }"),
        ("aliases", "{ ...a ...a ... { ...a } } fragment a on Query { a: me { b: id } }"),
        ("root fields", "{ ...a ...a ... on Query { ...a } } fragment a on Query { me { id } errorCodes }"),
        ("mutations", "mutation { ...a ... { ...a } } fragment a on Mutation { endAllSessions { endedSessions } }"),
        ("directives on one node", "{ ... @include(if: true) @include(if: true) @include(if: true) { __typename } }"),
        ("directives on one node", "{ ...a @skip(if: true) @skip(if: true) @skip(if: true) } fragment a on B { c }"),
        ("directives on one node", "{ ...a } fragment a on Query @b @b @b { c }"),
        ("directives on one node", "query a @b @b @b { __typename }"),
        ("directives on one node", "{ me { id @b @b @b } }"),
        ("directives on one node", "{ __schema { types @b @b @b { name } } }"),
        ("aliases", "{ __schema { a: types { b: name c: kind d: name } e: queryType { name } f: types { name } } }"),
    ],
)
def test_s68_fragments_are_expanded_before_counting(settings: Any, limit: str, document: str) -> None:
    settings.GATEWAY_MAX_DEPTH = 3
    settings.GATEWAY_MAX_FIELDS = settings.GATEWAY_MAX_ROOT_FIELDS = settings.GATEWAY_MAX_ALIASES = 5
    if limit == "fields":
        settings.GATEWAY_MAX_FIELDS = 7
    settings.GATEWAY_MAX_DIRECTIVES = 2
    assert list(counted(document)) == [limit]


@pytest.mark.parametrize(
    "document",
    [
        "{ accountExport also: accountExport }",
        "{ ... { accountExport } ...a } fragment a on Query { accountExport }",
        'mutation { updateProfile(bio: "") { user { accountExport ... { a: accountExport } } } }',
    ],
)
def test_costly_fields_are_counted_at_any_depth(document: str) -> None:
    assert counted(document) == {"costly fields": 2}


def test_every_operation_of_a_document_is_limited() -> None:
    assert counted("query a { __typename } mutation b { c d }") == {"mutations": 2}


def test_s94_fields_of_all_operations_count_together() -> None:
    first, second = "query a { me {" + OWN * 6 + "} }", "query b { me {" + OWN * 4 + "} }"
    assert (counted(first), counted(second)) == ({}, {})
    assert counted(first + second) == {"fields": 102}


def test_s94_operations_fragments_and_spreads_are_bounded() -> None:
    def operations(count: int) -> str:
        return " ".join(f"query a{n} {{ __typename }}" for n in range(count))

    def fragments(count: int) -> str:
        return "{ ...a0 }" + " ".join(f"fragment a{n} on Query {{ a{n}: b }}" for n in range(count))

    def spreads(count: int) -> str:
        return "{ me { ...a0 } }" + "".join(
            f" fragment a{n} on User {{ {'...missing ' * (count - 1) if n else '...a1'} }}" for n in range(2)
        )

    for document, allowed, limit in (
        (operations, limits.MAX_OPERATIONS, "operations"),
        (fragments, limits.MAX_FRAGMENTS, "fragments"),
        (spreads, limits.MAX_SPREADS - 1, "fragment spreads"),
    ):
        assert counted(document(allowed)) == {}
        assert list(counted(document(allowed + 1))) == [limit]


REPEATED = {
    "in one selection set": lambda n: "{ me {" + "id " * n + "} }",
    "under one alias": lambda n: "{ me {" + "same: id " * 10 + "same: username " * (n - 10) + "} }",
    "in inline fragments": lambda n: "{ me {" + "... { id } " * n + "} }",
    "in merged selection sets": lambda n: "{" + "me { id } " * 10 + "... { me {" + "id " * (n - 10) + "} } }",
    "in fragments": lambda n: (
        "{ me { ...a0 } }" + "".join(f" fragment a{m} on User {{ id ...a{m + 1} }}" for m in range(n))
    ),
    "in a fragment that nothing spreads": lambda n: "{ __typename } fragment a on User {" + "id " * n + "}",
    "of the schema": lambda n: "{ __schema { types {" + "name " * n + "} } }",
}


@pytest.mark.parametrize("where", REPEATED)
def test_s94_repetitions_of_a_field_are_limited(settings: Any, where: str) -> None:
    settings.GATEWAY_INTROSPECTION = True
    settings.GATEWAY_MAX_ALIASES = 30
    assert counted(REPEATED[where](20)) == {}
    assert counted(REPEATED[where](21)) == {"repetitions of a field": 21}


# Small documents that took 50 to 400 ms of CPU, most of it in the rule that compares fields.
EXPENSIVE = {
    "398 fields in __schema, three times": " ".join(
        f"query a{n} {{ __schema {{ {'description ' * 398} }} }}" for n in range(3)
    ),
    "99 fields in me, in 14 operations": " ".join(f"query a{n} {{ me {{ {'id ' * 99} }} }}" for n in range(14)),
    "14 operations of different fields": " ".join(f"query a{n} {{ me {{ {OWN * 9} }} }}" for n in range(14)),
    "100 spreads of a chain of 150 fragments": "{"
    + " ".join(f"...a{n}" for n in range(100))
    + "}"
    + "".join(f" fragment a{n} on Query {{ ...a{n + 1} }}" for n in range(150))
    + " fragment a150 on Query { __typename }",
    "49 fragments that spread each other": "{ ...a0 }"
    + "".join(f" fragment a{n} on Query {{ {' '.join(f'...a{m}' for m in range(n + 1, n + 9))} }}" for n in range(49)),
    "250 fields of the schema in one place": "{ __schema { types {" + "description " * 240 + "} } }",
    "equal selection sets": "{" + "me { id username email bio } " * 21 + "}",
}


@pytest.mark.parametrize("introspection", [True, False])
@pytest.mark.parametrize("name", EXPENSIVE)
def test_s94_document_that_is_expensive_to_validate_is_not_validated(
    api: Api, settings: Any, monkeypatch: pytest.MonkeyPatch, name: str, introspection: bool
) -> None:
    settings.GATEWAY_INTROSPECTION = introspection
    settings.GATEWAY_MAX_ROOT_FIELDS = 30
    monkeypatch.setattr(documents, "validate", never)
    answer = api(EXPENSIVE[name])
    is_hidden = "schema" in name and not introspection
    assert answer.code == ("GRAPHQL_VALIDATION_FAILED" if is_hidden else "OPERATION_TOO_COMPLEX")
    assert answer.error["locations"]


# Allowed documents with the most comparisons during validation, and their number.
DENSE = {
    "one field in one place": "{ me {" + "id " * 20 + "} }",
    "five fields in one place": "{ me {" + "id username email bio fullName " * 19 + "} }",
    "selection sets": "{" + "me { id username email bio } " * 20 + "}",
    "fragments of equal fields": "{ me {"
    + " ".join(f"...a{n}" for n in range(20))
    + "} }"
    + "".join(f" fragment a{n} on User {{ id username email bio }}" for n in range(20)),
    "introspection": "{ __schema {" + "types { name kind fields { name type { name } } } " * 20 + "} }",
}


@pytest.mark.parametrize("name", DENSE)
def test_s94_validation_of_allowed_documents_is_cheap(settings: Any, name: str) -> None:
    settings.GATEWAY_INTROSPECTION = True
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        documents.load(schema.graphql_schema, DENSE[name])
    finally:
        sys.setprofile(None)
    # The last document makes 49,000 calls. Without the limits the ones above made up to two million.
    assert calls < 60_000


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{ me {" + "a " * 120 + "} }", "The document selects 121 fields; the limit is 100."),
        ("query a { b } " * 11, "The document contains 11 operations; the limit is 10."),
        ("{ a { b { c { d { e { f { g { h { i } } } } } } } } }", "The depth of the document is 9; the limit is 8."),
        ("{ me {" + "id " * 21 + "} }", "id appears 21 times in one selection set; the limit is 20."),
        (f"mutation {{ a: {RIGHT} b: {RIGHT} }}", "tokenAuth appears 2 times; it may appear once per document."),
        (
            f"mutation {{ {RIGHT} register {{ token }} }}",
            "The document selects register and tokenAuth; only one of them may appear, once.",
        ),
    ],
)
def test_error_names_the_limit_and_both_numbers(api: Api, settings: Any, document: str, message: str) -> None:
    settings.GATEWAY_MAX_MUTATIONS = 2
    error = api(document).error
    assert error["message"] == message
    assert error["locations"][0]["line"] == 1


def test_s69_unused_fragment_is_measured() -> None:
    assert counted("{ __typename } fragment a on User {" + "id " * 100 + "}") == {"fields": 101}
    assert counted("{ __typename } fragment a on Query { __schema {" + "types { name } " * 125 + "} }") == {
        "introspection fields": 251
    }


def test_typename_is_not_a_root_field() -> None:
    assert counted("mutation { __typename " + RIGHT + "}") == {}
    assert counted("{" + "__typename " * 20 + "}") == {}


def test_ordinary_documents_reach_no_limit(api: Api) -> None:
    alice = api.new_member()
    document = """query everything {
        errorCodes fieldErrorCodes dashboard { message user { id } }
        me { id username email isEmailVerified fullName bio imageUrl dateJoined lastLogin roles
             sessions { id deviceName userAgent ipAddress createdAt lastUsedAt expiresAt isCurrent } } }"""
    assert alice(document).data["me"]["sessions"]


# --- one sign-in per document --------------------------------------------------------------------


@pytest.mark.parametrize(
    "document",
    [
        pytest.param("mutation {" + aliased(19, RIGHT) + "}", id="aliases"),
        pytest.param("mutation {" + aliased(50, RIGHT) + "}", id="50 aliases"),
        pytest.param(
            "mutation {"
            + " ".join(f"...f{n}" for n in range(20))
            + "}"
            + "".join(f" fragment f{n} on Mutation {{ a{n}: {RIGHT} }}" for n in range(20)),
            id="20 fragments",
        ),
        pytest.param(
            "mutation {" + f"... on Mutation {{ {WRONG} }}" + f"... {{ b: {RIGHT} }}" + "}", id="inline fragments"
        ),
        pytest.param(
            "mutation {" + f"a: {WRONG} b: {RIGHT}".replace(" {", " @include(if: true) {") + "}", id="@include"
        ),
        pytest.param("mutation {" + f"a: {WRONG} ... @skip(if: true) {{ b: {RIGHT} }}" + "}", id="@skip"),
        pytest.param("mutation {" + f"{RIGHT} endAllSessions {{ endedSessions }}" + "}", id="another beside it"),
        pytest.param(f"mutation a {{ {RIGHT} }} mutation b {{ a: {WRONG} b: {RIGHT} }}", id="another operation"),
    ],
)
def test_s21_s23_document_cannot_sign_in_twice(api: Api, document: str) -> None:
    api.new_member()
    answer = api(document)
    assert answer.code == "OPERATION_TOO_COMPLEX"
    assert "data" not in answer.json
    assert Session.objects.count() == 1
    assert api.sign_in("alice").data, "nobody was locked out"


def test_s23_only_one_of_several_operations_is_executed(api: Api) -> None:
    api.new_member()
    assert api(f"mutation a {{ {RIGHT} }} mutation b {{ {RIGHT} }}").code == "OPERATION_RESOLUTION_FAILURE"
    assert Session.objects.count() == 1


@pytest.mark.parametrize(
    "document",
    [
        f"mutation {{ a: {RIGHT} b: {RIGHT} }}",
        f"mutation {{ a: {WRONG} ... {{ ...f }} }} fragment f on Mutation {{ {RIGHT} }}",
        f'mutation {{ {RIGHT} changePassword(oldPassword: "{PASSWORD}", newPassword: "{NEW_PASSWORD}") '
        "{ endedSessions } }",
        f'mutation {{ {RIGHT} register(username: "bob", email: "b@example.com", password: "{NEW_PASSWORD}") '
        "{ token } }",
    ],
)
def test_s21_costly_field_is_allowed_once_whatever_the_settings(api: Api, settings: Any, document: str) -> None:
    settings.GATEWAY_MAX_MUTATIONS = 50
    alice = api.new_member()
    answer = alice(document)
    assert (answer.code, answer.extensions["limit"]) == ("OPERATION_TOO_COMPLEX", "costly fields")
    assert (Session.objects.count(), User.objects.count()) == (1, 1)


# --- document bombs ------------------------------------------------------------------------------


def doubling(levels: int) -> str:
    fragments = (f"fragment a{n} on Query {{ ...a{n + 1} ...a{n + 1} }}" for n in range(levels))
    return "{ ...a0 } " + " ".join(fragments) + f" fragment a{levels} on Query {{ __typename }}"


BOMBS = {
    "fragments that double 28 times": doubling(28),
    "fragments that double 120 times": doubling(120),
    "a circle of fragments that double": doubling(28).replace("__typename", "...a0 ...a0"),
    "300 nested inline fragments": "{" + nested("... {", "__typename", "}", 300) + "}",
    "4000 nested inline fragments": "{" + nested("...{", "__typename", "}", 4_000) + "}",
    "300 nested fields": "{" + nested("me {", "id", "}", 300) + "}",
    "5000 nested lists": "{ me(a: " + nested("[", "", "]", 5_000) + ") { id } }",
    "700 nested lists": "{ me(a: " + nested("[", "", "]", 700) + ") { id } }",
    "300 nested objects": "{ me(a: " + nested("{ a: ", "1", "}", 300) + ") { id } }",
    "a variable of 700 nested lists": "query ($a: " + nested("[", "Int", "]", 700) + ") { __typename }",
    "ofType 25 times": "{ __schema { types { " + nested("ofType {", "name", "}", 25) + " } } }",
    "introspection in a circle": "{ __schema { types { " + nested("fields { type {", "name", "} }", 10) + " } } }",
    "introspection in introspection": "{" + nested("__schema { ", "queryType { name }", " }", 300) + "}",
    "1000 aliases": "{" + " ".join(f"a{n}: __typename" for n in range(1_000)) + "}",
    "400 aliases": "{" + " ".join(f"a{n}: __typename" for n in range(400)) + "}",
    "the whole schema 30 times": "{" + " ".join(f"a{n}: __schema {{ types {{ name }} }}" for n in range(30)) + "}",
    "200 times me": "{" + "me { id } " * 200 + "}",
    "20000 fields": "{" + "a " * 20_000 + "}",
    "1400 fields": "{ me {" + "id " * 1_400 + "} }",
    "1400 fields in a fragment that nothing spreads": "{ __typename } fragment a on User {" + "id " * 1_400 + "}",
    "700 fields that overlap": "{ __typename } fragment a on User {" + "sessions { id } " * 350 + "}",
    "900 kB": "{" + "me { id } " * 90_000 + "}",
    "500 directives": "{ __typename " + "@include(if: true) " * 500 + "}",
    "500 unknown directives": "{ __typename " + "@a " * 500 + "}",
    "500 directives on an operation": "query " + "@a " * 500 + "{ __typename }",
    "500 directives on a variable": "query ($a: Int " + "@a " * 500 + ") { __typename }",
    "200 operations": " ".join(f"query a{n} {{ ...f }}" for n in range(200)) + " fragment f on Query { __typename }",
    "200 fragments of one name": "{ __typename }" + " fragment a on Query { __typename }" * 200,
    "370 unused variables": "query (" + " ".join(f"$a{n}: Int" for n in range(370)) + ") { __typename }",
    "a comment of 19,000 letters": "{ nothing } #" + "x" * 19_000,
}


def cpu_seconds(api: Api, document: str) -> float:
    """Return the CPU time of a request with a document that is not cached."""
    documents.clear_cache()
    start = time.thread_time()
    api(document)
    return time.thread_time() - start


@pytest.mark.parametrize("name", BOMBS)
def test_s67_s68_s69_document_bomb_is_refused_with_a_short_response(api: Api, settings: Any, name: str) -> None:
    settings.GATEWAY_INTROSPECTION = True
    settings.GATEWAY_MAX_BODY = 1_000_000
    answer = api(BOMBS[name])
    plain = min(cpu_seconds(api, "{ __typename }") for _ in range(3))
    # Other processes slow down single runs, so one cheap run is enough.
    assert any(cpu_seconds(api, BOMBS[name]) < MAX_PLAIN_REQUESTS * plain for _ in range(3))
    codes = {error["extensions"]["code"] for error in answer.json["errors"]}
    assert codes <= {"OPERATION_TOO_COMPLEX", "GRAPHQL_VALIDATION_FAILED", "OPERATION_RESOLUTION_FAILURE"}
    assert "data" not in answer.json
    assert len(answer.response.content) < 20_000


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("fragments that double 28 times", "fields"),
        ("4000 nested inline fragments", "characters"),
        ("5000 nested lists", "depth"),
        ("700 nested lists", "depth"),
        ("300 nested inline fragments", "depth"),
        ("300 nested fields", "depth"),
        ("ofType 25 times", "introspection depth"),
        ("introspection in a circle", "introspection depth"),
        ("1000 aliases", "tokens"),
        ("400 aliases", "aliases"),
        ("the whole schema 30 times", "aliases"),
        ("200 times me", "root fields"),
        ("20000 fields", "characters"),
        ("1400 fields", "fields"),
        ("1400 fields in a fragment that nothing spreads", "fields"),
        ("700 fields that overlap", "fields"),
        ("500 unknown directives", "directives on one node"),
        ("900 kB", "characters"),
    ],
)
def test_s69_document_bomb_is_counted_before_validation(
    api: Api, settings: Any, monkeypatch: pytest.MonkeyPatch, name: str, limit: str
) -> None:
    settings.GATEWAY_MAX_BODY = 1_000_000

    monkeypatch.setattr(documents, "validate", never)
    answer = api(BOMBS[name])
    assert (answer.code, answer.extensions["limit"]) == ("OPERATION_TOO_COMPLEX", limit)
    assert answer.extensions["counted"] > answer.extensions["allowed"]


@pytest.mark.parametrize("levels", [28, 49])
def test_s69_fragment_is_measured_once_however_often_it_is_spread(monkeypatch: pytest.MonkeyPatch, levels: int) -> None:
    measured: Counter[str] = Counter()
    measure = limits.Measurement.measure_selections

    def count(self: limits.Measurement, node: Any) -> limits.Size:
        measured["selections"] += 1
        return measure(self, node)

    monkeypatch.setattr(limits.Measurement, "measure_selections", count)
    assert counted(doubling(levels)) == {"fields": min(2**levels, 2**53)}
    # The operation, each fragment, and the one field at the end.
    assert measured["selections"] == levels + 3


# Arguments that anyone can send, and a valid reset token, which only the recipient of an email has.
ARGUMENTS = {
    "username": "bob",
    "email": "bob@example.com",
    "newEmail": "alice@example.org",
    "password": PASSWORD,
    "oldPassword": PASSWORD,
    "newPassword": "an unlikely staple",
}


def asked(name: str, field: Any) -> str:
    """Return a document with one mutation and its required arguments."""
    # The password is optional in the schema, but required for an account with a password.
    needed = [each for each, arg in field.args.items() if is_required_argument(arg) or each == "password"]
    token = email_tokens.create(User.objects.get(), Purpose.RESET, address="alice@example.com").token
    given = ", ".join(f'{each}: "{ {**ARGUMENTS, "token": token}.get(each, "text") }"' for each in needed)
    return f"mutation {{ {name}{f'({given})' if given else ''} {{ __typename }} }}"


def mails(document: str) -> bool:
    """Return whether a document queues an email. Roll back its changes."""
    with transaction.atomic():
        before, _, after = (
            mailbox.count_queued_mails(),
            Api()(document, token=get_token(User.objects.get())),
            mailbox.count_queued_mails(),
        )
        transaction.set_rollback(True)
    return after > before


def hashes(document: str) -> bool:
    """Return whether a document is refused when the hash queue is full."""
    answer = Api()(document, token=get_token(User.objects.get())).json
    return "SERVICE_UNAVAILABLE" in {each["extensions"]["code"] for each in answer.get("errors", ())}


def test_fields_that_hash_send_email_or_export_are_costly(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.new_member("alice")
    mutation = schema.graphql_schema.mutation_type
    assert mutation
    mailing = {name for name, field in mutation.fields.items() if mails(asked(name, field))}
    monkeypatch.setattr(hashing.pool, "capacity", 0)
    hashing_fields = {name for name, field in mutation.fields.items() if hashes(asked(name, field))}
    assert mailing - hashing_fields == {"requestPasswordReset", "requestEmailVerification"}
    assert mailing | hashing_fields | {"accountExport", "secondFactorAuth"} == limits.COSTLY
