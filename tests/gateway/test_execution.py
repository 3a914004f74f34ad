"""Operations as the gateway executes them, held against the library's own way."""

from typing import Any

import pytest
from django.http import HttpRequest
from graphql import build_schema, execute_sync, get_introspection_query

from gateway import execution
from gateway.documents import Document, Documents

SCHEMA = build_schema("""
    type Query {
        say(text: String, id: ID, more: [String!], number: Int = 7, kind: Kind, like: Like): String
        must(text: String!): String!
        one: Thing
        all: [Thing!]!
        either: [Either]
    }
    type Mutation { first: Thing second: Thing }
    enum Kind { A B }
    input Like { name: String! deep: Like }
    type Thing { name: String! other: Thing broken: String wholly: String! }
    type Other { number: Int }
    union Either = Thing | Other
""")


def failing(*_: Any) -> str:
    raise ValueError("broken")


def nested(levels: int) -> dict[str, Any] | None:
    return {"name": "x", "deep": nested(levels - 1)} if levels else None


THING: dict[str, Any] = {"__typename": "Thing", "name": "a thing", "broken": failing, "wholly": failing}
THING["other"] = {**THING, "name": "another"}
for _name, _value in {"one": THING, "all": [THING, THING], "either": [THING, {"__typename": "Other"}, None]}.items():
    SCHEMA.query_type.fields[_name].resolve = lambda *_, value=_value: value  # type: ignore[union-attr, misc]
for _name in ("say", "must"):
    SCHEMA.query_type.fields[_name].resolve = lambda _, info, **given: repr(given)  # type: ignore[union-attr]
for _field in SCHEMA.mutation_type.fields.values():  # type: ignore[union-attr]
    _field.resolve = lambda _, info: {**THING, "name": info.field_name}

SAY = "query ($a: String, $b: ID, $c: String!) { say(text: $a, id: $b) must(text: $c) }"
DIRECTED = (
    "query ($a: Boolean!) { one { name @include(if: $a) other @skip(if: $a) { name } } all @skip(if: $a) { name } }"
)
# A document, and the variables of its executions, one after the other.
OPERATIONS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "texts": (SAY, [{"a": "x", "b": "1", "c": ""}, {"a": "y", "b": "2", "c": "z", "more": "no variable"}]),
    "texts that are none": (
        SAY,
        [{"a": value, "b": value, "c": value} for value in (None, 1, True, 1.5, ["x"], {}, "x")],
    ),
    "texts that are missing": (SAY, [{}, {"c": "x"}, {"a": "x"}]),
    "a text by default": ('query ($a: String = "d") { say(text: $a) }', [{}, {"a": None}, {"a": "x"}]),
    "texts for what is none": ("query ($n: Int, $k: Kind) { say(number: $n, kind: $k) }", [{"n": "1"}, {"k": "A"}]),
    "a text for a number": ("query ($n: Int) { say(number: $n) }", [{"n": "1"}, {"n": 1}]),
    "many texts": ("query ($m: [String!]) { say(more: $m) }", [{"m": "x"}, {"m": ["x", "y"]}, {"m": [None]}]),
    "more mistakes than are told": ("query ($m: [String!]) { say(more: $m) }", [{"m": [1] * 60}]),
    "numbers": ("query ($n: Int = 8) { say(number: $n) }", [{}, {"n": 9}, {"n": None}, {"n": 2**40}]),
    "what is made of texts": ("query ($l: Like) { say(like: $l) }", [{"l": {"name": "x"}}, {"l": {"nme": "x"}}, {}]),
    "what is nested deeply": (
        "query ($l: Like) { say(like: $l) }",
        [{"l": nested(80)}],
    ),
    "fields by what a variable says": (DIRECTED, [{"a": True}, {"a": False}, {"a": True}, {}]),
    "fields by what a variable in a fragment says": (
        "query ($a: Boolean!) { one { ...F @include(if: $a) name } } fragment F on Thing { other { name } }",
        [{"a": False}, {"a": True}, {"a": False}],
    ),
    "fragments": (
        "{ one { ...F other { ...F ... on Thing { named: name } } } all { ...F } } fragment F on Thing { name }",
        [{}, {}],
    ),
    "one of several types": ("{ either { ... on Thing { name } ... on Other { number } __typename } }", [{}, {}]),
    "a field that comes twice": ("{ one { other { name } other { broken } } one { name } }", [{}, {}]),
    "what fails": ("{ one { name broken other { broken } } all { broken } }", [{}, {}]),
    "what fails wholly": ("{ one { wholly } all { wholly } }", [{}, {}]),
    "one after the other": ("mutation { second { name } first { name broken } }", [{}, {}]),
    "the schema itself": (get_introspection_query(), [{}, {}]),
}


def document(text: str) -> Document:
    return Documents().load(SCHEMA, text)


@pytest.mark.parametrize("case", OPERATIONS)
def test_an_operation_is_executed_as_the_library_executes_it(case: str, settings: Any) -> None:
    text, several = OPERATIONS[case]
    settings.GATEWAY_INTROSPECTION, settings.GATEWAY_MAX_MUTATIONS = True, 2
    kept, request = document(text), HttpRequest()
    operation = kept.operation(None)
    assert operation
    for variables in several:
        own = execution.execute(SCHEMA, request, operation, variables)
        theirs = execute_sync(SCHEMA, kept.node, context_value=request, variable_values=variables)
        assert own.formatted == theirs.formatted
        assert own.data or own.errors


def test_of_several_operations_the_named_one_is_executed() -> None:
    kept = document("query A { one { name } } query B { all { ...F } } fragment F on Thing { name }")
    for name in ("A", "B", "A"):
        operation = kept.operation(name)
        assert operation
        own = execution.execute(SCHEMA, HttpRequest(), operation, {})
        assert own.formatted == execute_sync(SCHEMA, kept.node, operation_name=name).formatted


def test_resolvers_are_given_the_request() -> None:
    request, given = HttpRequest(), []
    schema = build_schema("type Query { who: String }")
    schema.query_type.fields["who"].resolve = lambda _, info: given.append(info.context)  # type: ignore[union-attr]
    operation = Documents().load(schema, "{ who }").operation(None)
    assert operation
    execution.execute(schema, request, operation, {})
    assert given == [request]


@pytest.mark.parametrize(("is_open", "hint"), [(True, True), (False, False)])
def test_s72_a_closed_schema_gives_no_hints(settings: Any, is_open: bool, hint: bool) -> None:
    settings.GATEWAY_INTROSPECTION = is_open
    operation = document("query ($l: Like) { say(like: $l) }").operation(None)
    assert operation
    (error,) = execution.execute(SCHEMA, HttpRequest(), operation, {"l": {"name": "x", "nam": "x"}}).errors or []
    assert ("Did you mean" in error.message) is hint


def test_what_is_kept_of_an_operation_does_not_grow() -> None:
    operation = document("{ one { name other { name } } all { name } }").operation(None)
    assert operation
    sizes = []
    for _ in range(3):
        execution.execute(SCHEMA, HttpRequest(), operation, {})
        sizes.append(len(operation.selected or ()))
    assert sizes == [3, 3, 3]
