"""Operations: batches where they are enabled, execution, and the errors of variables."""

from typing import Any

import orjson
import pytest
from django.http import HttpRequest
from graphql import build_schema

from gateway.graphql import documents, operation
from gateway.graphql.request import Parameters
from gateway.graphql.schema import schema
from tests.api import PASSWORD, Answer, Api

SIGN_IN = f'mutation {{ tokenAuth(username: "alice", password: "{PASSWORD}") {{ token }} }}'


def batch(api: Api, *queries: str, **headers: str) -> Answer:
    return api.post(orjson.dumps([{"query": query} for query in queries]), **headers)


def test_s22_batch_is_refused_if_batches_are_disabled(api: Api) -> None:
    api.new_member()
    answer = batch(api, *[SIGN_IN] * 50, Accept="application/graphql-response+json")
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")
    assert answer.response["Content-Type"] == "application/json; charset=utf-8"


def test_batch_results_are_in_order_with_their_own_errors(api: Api, settings: Any) -> None:
    settings.GATEWAY_MAX_BATCH = 3
    answers = batch(api, "{ __typename }", "{ me { id } }", "{ nothing }").json
    assert answers[0] == {"data": {"__typename": "Query"}}
    assert answers[1]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert answers[2]["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


def test_s22_batch_can_sign_in_once(api: Api, settings: Any) -> None:
    settings.GATEWAY_MAX_BATCH = 3
    api.new_member()
    first, *others = batch(api, *[SIGN_IN] * 3).json
    assert first["data"]["tokenAuth"]["token"]
    assert {each["errors"][0]["extensions"]["code"] for each in others} == {"OPERATION_TOO_COMPLEX"}


@pytest.mark.parametrize("body", [[], [{"query": "{ __typename }"}] * 4, [1], [[]], ["{ __typename }"]])
def test_invalid_batch_is_refused_as_a_whole(api: Api, settings: Any, body: list[Any]) -> None:
    settings.GATEWAY_MAX_BATCH = 3
    answer = api.post(orjson.dumps(body))
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")


def test_batch_of_different_operations_has_the_label_several() -> None:
    request: Any = HttpRequest()
    for text, field in (
        ("query A { me { id } }", "me"),
        ("query B { me { id } }", "me"),
        ("{ errorCodes }", "several"),
    ):
        found = documents.load(schema.graphql_schema, text).operation(None)
        assert found
        operation.set_operation(request, found)
        assert request.gateway.operation_label == field
    assert request.gateway.operation_name is None


# --- execution -----------------------------------------------------------------------------------

INPUTS = build_schema("""
    type Query {
        echo(text: String, number: Int = 7, filter: Filter, more: [String!]): String
        required(text: String!): String
    }
    input Filter { name: String! }
""")
for _field in INPUTS.query_type.fields.values():  # type: ignore[union-attr]
    _field.resolve = lambda _, info, **given: f"{info.context.method} {given}"


def run(query: str, variables: dict[str, Any], name: str | None = None) -> dict[str, Any]:
    request = HttpRequest()
    request.method = "POST"
    return operation.run(INPUTS, request, Parameters(query, variables, name, None)).result


def test_operation_is_executed_with_its_variables_and_the_request() -> None:
    query = "query A { echo } query B($t: String, $n: Int) { echo(text: $t, number: $n) }"
    assert run(query, {"t": "x"}, "B") == {"data": {"echo": "POST {'text': 'x', 'number': 7}"}}
    assert run(query, {}, "A") == {"data": {"echo": "POST {'number': 7}"}}


@pytest.mark.parametrize(
    ("query", "variables", "expected"),
    [
        ("query ($text: String!) { required(text: $text) }", {}, {("text", "REQUIRED")}),
        ("query ($text: String!) { required(text: $text) }", {"text": None}, {("text", "REQUIRED")}),
        ("query ($text: String!) { required(text: $text) }", {"text": 7}, {("text", "INVALID")}),
        ('query ($text: String = "a") { required(text: $text) }', {"text": None}, {("text", "REQUIRED")}),
        ("query ($if: Boolean = true) { echo @skip(if: $if) }", {"if": None}, {("if", "REQUIRED")}),
        ("query ($oneMore: [String!]) { echo(more: $oneMore) }", {"oneMore": ["a", None]}, {("oneMore", "INVALID")}),
        ("query ($filter: Filter) { echo(filter: $filter) }", {"filter": {}}, {("filter", "INVALID")}),
        (
            "query ($a: String!, $b: Int!, $c: String) { required(text: $a) echo(number: $b, text: $c) }",
            {"b": "x", "c": "y"},
            {("a", "REQUIRED"), ("b", "INVALID")},
        ),
    ],
)
def test_missing_and_invalid_variables_are_named(
    query: str, variables: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    errors = [error["extensions"] for error in run(query, variables)["errors"]]
    assert {extensions["code"] for extensions in errors} == {"BAD_USER_INPUT"}
    found = [each for extensions in errors for each in extensions["fieldErrors"]]
    assert {(each["field"], each["code"]) for each in found} == expected
    assert all(each["message"] for each in found)


@pytest.mark.parametrize("introspection", [True, False])
def test_s72_variable_errors_have_no_suggestions_without_introspection(settings: Any, introspection: bool) -> None:
    settings.GATEWAY_INTROSPECTION = introspection
    answer = run("query ($f: Filter) { echo(filter: $f) }", {"f": {"name": "x", "nam": "x"}})
    assert ("Did you mean" in answer["errors"][0]["message"]) is introspection


def test_variables_nested_too_deeply_are_refused() -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]
    (error,) = run("query ($m: [String!]) { echo(more: $m) }", {"m": deep})["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


def test_only_the_first_invalid_variables_are_listed() -> None:
    errors = run("query ($m: [String!]) { echo(more: $m) }", {"m": [1] * 60})["errors"]
    assert len(errors) == 51
    assert {error["extensions"]["code"] for error in errors} == {"BAD_USER_INPUT"}
