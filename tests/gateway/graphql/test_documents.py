"""Documents are executed or refused with a reason, and cached in both cases."""

import gc
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from graphql import get_introspection_query
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from gateway.graphql import documents
from gateway.graphql.documents import Document, DocumentError, InvalidDocument
from gateway.graphql.schema import schema
from tests.api import Api

HINT = "Did you mean"
LARGEST_ANSWER = 20_000


def load(text: str) -> Document:
    return documents.load(schema.graphql_schema, text)


def cached() -> list[str]:
    """The texts of the cached documents."""
    return [text for _, text in documents.cache]


def never(*args: Any, **kwargs: Any) -> Any:
    raise AssertionError("parsed again")


# --- invalid documents ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("{", "GRAPHQL_PARSE_FAILED", id="cut short"),
        pytest.param(" ", "GRAPHQL_PARSE_FAILED", id="white space"),
        pytest.param("# nothing", "GRAPHQL_PARSE_FAILED", id="a comment"),
        pytest.param("{}", "GRAPHQL_PARSE_FAILED", id="no fields"),
        pytest.param("{ __typename \x00 }", "GRAPHQL_PARSE_FAILED", id="a NUL"),
        pytest.param('{ me(a: "\\uD800") }', "GRAPHQL_PARSE_FAILED", id="half a character"),
        pytest.param('{ me(a: "\\u{110000}") }', "GRAPHQL_PARSE_FAILED", id="beyond all characters"),
        pytest.param("{ nothing }", "GRAPHQL_VALIDATION_FAILED", id="an unknown field"),
        pytest.param("{ me }", "GRAPHQL_VALIDATION_FAILED", id="an object without fields"),
        pytest.param("{ ...gone }", "GRAPHQL_VALIDATION_FAILED", id="an unknown fragment"),
        pytest.param("fragment a on Query { __typename }", "GRAPHQL_VALIDATION_FAILED", id="a fragment alone"),
        pytest.param("type A { b: Int }", "GRAPHQL_VALIDATION_FAILED", id="a definition of types"),
        pytest.param("query ($a: Int) { __typename }", "GRAPHQL_VALIDATION_FAILED", id="an unused variable"),
        pytest.param("{ __typename @nothing }", "GRAPHQL_VALIDATION_FAILED", id="an unknown directive"),
        pytest.param("query a { __typename } { __typename }", "GRAPHQL_VALIDATION_FAILED", id="one without a name"),
        pytest.param(
            "{ me { ...a } } fragment a on User { id ...b } fragment b on User { id ...a }",
            "GRAPHQL_VALIDATION_FAILED",
            id="a circle of fragments",
        ),
        pytest.param("{ ...a } fragment a on Query { ...a }", "GRAPHQL_VALIDATION_FAILED", id="a fragment in itself"),
    ],
)
def test_s73_document_errors_have_codes_and_locations(api: Api, text: str, code: str) -> None:
    errors = api(text).json["errors"]
    assert {error["extensions"]["code"] for error in errors} == {code}
    assert all(error["locations"] for error in errors)


def test_only_the_first_errors_of_a_document_are_reported(api: Api) -> None:
    errors = api("{ __typename " + " ".join(f"nothing{n}" for n in range(18)) + "}").json["errors"]
    assert len(errors) == documents.MAX_ERRORS + 1
    assert "aborted" in errors[-1]["message"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "{ ...a0 } "
            + "".join(f"fragment a{n} on Query {{ ...a{n + 1} }} " for n in range(49))
            + "fragment a49 on Query {"
            + "".join(f" ...a{n}" for n in range(40))
            + " }",
            id="circles of 50 fragments",
        ),
        pytest.param("query (" + "$a: Int " * 370 + ") { __typename }", id="one variable 370 times"),
        pytest.param("{ me(" + "a: 1 " * 480 + ") { id } }", id="one argument 480 times"),
        pytest.param("{ " + "x" * 19_000 + " }", id="a name of 19,000 letters"),
    ],
)
def test_s69_response_size_does_not_grow_with_the_document(api: Api, text: str) -> None:
    answer = api(text)
    assert {error["extensions"]["code"] for error in answer.json["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}
    assert len(answer.response.content) < LARGEST_ANSWER


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("query a { __typename } query b { __typename }", None, id="which of two"),
        pytest.param("query a { __typename }", "b", id="one that is not there"),
        pytest.param("{ __typename }", "a", id="a name for what has none"),
    ],
)
def test_ambiguous_operation_is_refused(api: Api, text: str, name: str | None) -> None:
    answer = api.get(query=text, **({"operationName": name} if name else {}))
    assert answer.code == "OPERATION_RESOLUTION_FAILURE"
    assert "data" not in answer.json


# --- introspection -------------------------------------------------------------------------------

EVERYTHING = {
    "descriptions": True,
    "specified_by_url": True,
    "directive_is_repeatable": True,
    "schema_description": True,
    "input_value_deprecation": True,
    "experimental_directive_deprecation": True,
    "input_object_one_of": True,
}


@pytest.mark.parametrize("options", [{}, EVERYTHING], ids=["plain", "everything"])
def test_code_generators_and_graphiql_can_read_the_schema(api: Api, settings: Any, options: dict[str, bool]) -> None:
    settings.GATEWAY_INTROSPECTION = True
    types = {each["name"] for each in api(get_introspection_query(**options)).data["__schema"]["types"]}
    assert {"Query", "Mutation", "User", "ErrorCode"} <= types


@pytest.mark.parametrize(
    "text",
    [
        "{ __schema { queryType { name } } }",
        '{ __type(name: "User") { name } }',
        "{ a: __schema { types { name } } }",
        "{ ...f } fragment f on Query { __schema { types { name } } }",
        "query a { __typename } query b { __schema { types { name } } }",
        "mutation { __schema { types { name } } }",
        get_introspection_query(),
    ],
)
def test_s72_introspection_can_be_disabled(api: Api, settings: Any, text: str) -> None:
    settings.GATEWAY_INTROSPECTION = False
    errors = api(text).json["errors"]
    assert {error["extensions"]["code"] for error in errors} == {"GRAPHQL_VALIDATION_FAILED"}


@pytest.mark.parametrize("text", ["{ __typename }", "{ a: __typename me { __typename } }", "mutation { __typename }"])
def test_s72_typename_is_always_available(api: Api, settings: Any, text: str) -> None:
    settings.GATEWAY_INTROSPECTION = False
    assert {"Query", "Mutation"} & {*api(text).json["data"].values()}


@pytest.mark.parametrize(
    "text",
    [
        "{ mee { id } }",
        "{ me { usernam } }",
        "mutation { tokenAuth(usernme: 1) { token } }",
        "query ($a: Strin) { me { id } }",
        "{ me { ... on Usr { id } } }",
    ],
)
def test_s72_suggestions_are_hidden_without_introspection(api: Api, settings: Any, text: str) -> None:
    settings.GATEWAY_INTROSPECTION = True
    assert HINT in api(text).response.content.decode()
    settings.GATEWAY_INTROSPECTION = False
    documents.clear_cache()
    answer = api(text)
    assert HINT not in answer.response.content.decode()
    assert {error["extensions"]["code"] for error in answer.json["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}


# --- the cache -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["{ __typename }", "{", "{ nothing }", "{ " + "me { id } " * 50 + "}", "{ ...a } fragment a on Query { ...a }"],
)
def test_document_is_parsed_once_whether_it_is_valid_or_not(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    def outcome(text: str) -> Any:
        try:
            return load(text)
        except DocumentError as refused:
            return refused.errors

    first = outcome(text)
    monkeypatch.setattr(documents, "parse", never)
    assert outcome(text) is first
    with pytest.raises(AssertionError, match="parsed again"):
        outcome(f"{text} ")
    documents.clear_cache()
    with pytest.raises(AssertionError, match="parsed again"):
        outcome(text)


def test_document_that_is_too_long_is_neither_parsed_nor_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "parse", never)
    with pytest.raises(DocumentError) as refused:
        load("{\n" + " " * 20_000 + "}")
    (error,) = refused.value.errors
    assert error["extensions"]["limit"] == "characters"
    assert error["locations"] == [{"line": 2, "column": 19_999}]
    assert not cached()


def test_s104_cache_is_bounded_in_bytes_and_evicts_the_least_recently_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(documents, "TOKEN_BYTES", documents.CACHE_BYTES // 10)
    texts = ["{ __typename }", "{ errorCodes }", "{ fieldErrorCodes }"]
    # Five tokens per document: each document takes two fifths of the cache.
    monkeypatch.setattr(documents, "TOKEN_BYTES", documents.CACHE_BYTES // 5 * 2 // 5)
    for text in (*texts[:2], texts[0], texts[2]):
        load(text)
    assert set(cached()) == {texts[0], texts[2]}
    assert documents.cache.currsize <= documents.CACHE_BYTES
    with pytest.raises(DocumentError):
        load("{")
    assert set(cached()) == {texts[0], texts[2], "{"}


def test_document_larger_than_the_cache_is_still_executed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "TOKEN_BYTES", documents.CACHE_BYTES)
    assert load("{ __typename }").operations
    assert not cached()


OWN = "id username email isEmailVerified fullName bio imageUrl dateJoined lastLogin roles "
# Each is as large as the limits allow, and differs by the number.
LARGE = {
    "fields": lambda n: f"query a{n} {{ me {{ {OWN * 9} }} }}",
    "directives": lambda n: (
        f"query a{n} {{ me {{ {OWN.replace(' ', ' @include(if: true) @skip(if: false) ') * 9} }} }}"
    ),
    "comments": lambda n: "{ __typename }" + "\n#" * 9_900 + f"{n}",
    "one comment": lambda n: "{ __typename } #" + "\U0001f600" * 19_900 + f"{n}",
    "a text": lambda n: f'mutation {{ verifyEmail(token: "{"x" * 19_900}{n}") {{ __typename }} }}',
    "variables": lambda n: (
        f"query a{n} ({' '.join(f'$a{m}: Boolean! = true' for m in range(90))}) {{ me {{"
        + " ".join(f"{OWN.split()[m % 10]} @include(if: $a{m})" for m in range(90))
        + "} }"
    ),
    "mistakes": lambda n: f"query a{n} {{ {' '.join('x' * 90 + str(m) for m in range(19))} }}",
}


@pytest.mark.parametrize("kind", LARGE)
def test_s104_document_takes_no_more_memory_than_the_cache_counts(kind: str) -> None:
    with suppress(DocumentError):
        load(LARGE[kind](99))
    documents.clear_cache()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(5):
            with suppress(DocumentError):
                load(LARGE[kind](number))
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert len(cached()) == 5
    # About 90 kB belong to the last validation, not to the documents.
    assert documents.cache.currsize / 8 < taken < documents.cache.currsize + 100_000


def test_threads_share_the_cache(run_concurrently: Callable[[list[Callable[[], Any]]], list[Any]]) -> None:
    texts = ["{ __typename }".ljust(20 + n) for n in range(8)]

    def work(turn: int) -> list[Document]:
        return [load(texts[(turn * n) % len(texts)]) for n in range(200)]

    results = run_concurrently([lambda turn=turn: work(turn) for turn in range(1, 9)])
    assert all(document.node.kind == "document" for result in results for document in result)
    assert set(cached()) == set(texts)
    entries: list[Document | InvalidDocument] = [*documents.cache.values()]
    assert documents.cache.currsize == sum(entry.size for entry in entries)


# --- generated documents -------------------------------------------------------------------------

NAMES = st.sampled_from(["me", "id", "a", "dashboard", "message", "tokenAuth", "on", "query", "mutation", "__typename"])
MARKS = [
    "{",
    "}",
    "(",
    ")",
    ":",
    "...",
    "@include(if: true)",
    "$a",
    "fragment",
    "[",
    "]",
    "!",
    '"',
    '"""',
    "#",
    ",",
    "1",
]
SNIPPETS = ["query ($a: Int) {", "... on User {", "fragment a on User {", "...a", "subscription {", "schema {", "-1e9"]
WORDS = st.lists(NAMES | st.sampled_from(MARKS + SNIPPETS) | st.text(max_size=3), max_size=40).map(" ".join)
SELECTIONS = st.recursive(
    NAMES | st.just("...f"),
    lambda inner: st.builds("{} {{ {} }}".format, NAMES, st.lists(inner, min_size=1, max_size=4).map(" ".join)),
    max_leaves=20,
)
OPERATIONS = st.builds(
    "{} {{ {} }} {}".format,
    st.sampled_from(["", "query", "mutation", "query q($a: Int = 1)", "fragment f on Query"]),
    st.lists(SELECTIONS, min_size=1, max_size=4).map(" ".join),
    st.sampled_from(["", "fragment f on Query { me { id } }", "{ ...f }"]),
)


@how(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(text=WORDS | OPERATIONS)
def test_s69_no_document_causes_an_internal_error(api: Api, text: str) -> None:
    answer = api(text)
    assert answer.status < 500
    codes = {each["extensions"]["code"] for each in answer.json.get("errors", ())}
    assert codes or answer.json["data"]
    assert not codes & {"INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE"}


def test_operation_is_found_by_name_or_if_it_is_the_only_one() -> None:
    document = load("query A { me { id } } mutation B { revokeToken { revoked } }")
    found = document.operation("B")
    assert found
    assert (found.label, found.name) == ("revokeToken", "B")
    assert document.operation(None) is document.operation("C") is None
    only = load("{ me { id } }").operation(None)
    assert only
    assert (only.label, only.name) == ("me", None)
