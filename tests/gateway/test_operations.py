"""Batches: several operations in one request, where they are switched on."""

from typing import Any

import orjson
import pytest
from django.http import HttpRequest
from graphql import parse

from gateway import operations
from gateway.documents import Document
from tests.api import PASSWORD, Answer, Api

SIGN_IN = f'mutation {{ tokenAuth(username: "alice", password: "{PASSWORD}") {{ token }} }}'


def batch(api: Api, *queries: str, **headers: str) -> Answer:
    return api.post(orjson.dumps([{"query": query} for query in queries]), **headers)


def test_s22_a_batch_of_sign_ins_is_refused_where_batches_are_off(api: Api) -> None:
    api.join()
    answer = batch(api, *[SIGN_IN] * 50, Accept="application/graphql-response+json")
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")
    assert answer.response["Content-Type"] == "application/json; charset=utf-8"


def test_a_batch_is_answered_in_its_order_each_with_its_own_errors(api: Api, settings: Any) -> None:
    settings.GATEWAY_MAX_BATCH = 3
    answers = batch(api, "{ __typename }", "{ me { id } }", "{ nothing }").json
    assert answers[0] == {"data": {"__typename": "Query"}}
    assert answers[1]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert answers[2]["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


def test_s22_a_batch_signs_in_once(api: Api, settings: Any) -> None:
    settings.GATEWAY_MAX_BATCH = 3
    api.join()
    first, *others = batch(api, *[SIGN_IN] * 3).json
    assert first["data"]["tokenAuth"]["token"]
    assert {each["errors"][0]["extensions"]["code"] for each in others} == {"OPERATION_TOO_COMPLEX"}


@pytest.mark.parametrize("body", [[], [{"query": "{ __typename }"}] * 4, [1], [[]], ["{ __typename }"]])
def test_a_batch_that_is_none_is_refused_whole(api: Api, settings: Any, body: list[Any]) -> None:
    settings.GATEWAY_MAX_BATCH = 3
    answer = api.post(orjson.dumps(body))
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")


def test_a_batch_is_about_several_where_its_operations_differ() -> None:
    request: Any = HttpRequest()
    for text, field in (
        ("query A { me { id } }", "me"),
        ("query B { me { id } }", "me"),
        ("{ errorCodes }", "several"),
    ):
        operation = Document(parse(text), is_directed=False).operation(None)
        assert operation
        operations.note(request, operation)
        assert request.field == field
    assert request.operation_name == "-"
