"""Metrics of requests. Text of a client never becomes a label."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.graphql.schema import schema
from tests.api import Api
from users import metrics as users_metrics
from users.errors import ErrorCode

Counted = Callable[..., float]


@pytest.fixture
def counted() -> Counted:
    """Return the increase of a metric since the start of the test."""

    def value(name: str, **labels: str) -> float:
        return users_metrics.registry.get_sample_value(name, labels) or 0.0

    before: dict[Any, float] = {}
    for family in users_metrics.registry.collect():
        for sample in family.samples:
            before[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return lambda name, **labels: value(name, **labels) - before.get((name, tuple(sorted(labels.items()))), 0.0)


def labels() -> set[tuple[str, str]]:
    """Return all labels and values."""
    samples = (sample for family in users_metrics.registry.collect() for sample in family.samples)
    return {(name, value) for sample in samples for name, value in sample.labels.items() if name != "le"}


def test_requests_are_counted_by_field_and_code_and_timed(api: Api, counted: Counted) -> None:
    member = api.new_member()
    member("query Whatever { me { id } }")
    api.me()
    api.me()
    assert counted("gateway_requests_total", field="register", code="OK") == 1
    assert counted("gateway_requests_total", field="me", code="OK") == 1
    assert counted("gateway_requests_total", field="me", code="UNAUTHENTICATED") == 2
    assert counted("gateway_request_seconds_count", field="me") == 3
    assert 0 < counted("gateway_request_seconds_sum", field="me") < 5


def test_documents_over_a_limit_are_counted_by_limit(api: Api, counted: Counted) -> None:
    api("{ " + "me { id } " * 50 + "}")
    api("{ me { id ")
    assert counted("gateway_documents_refused_total", limit="root fields") == 1
    assert counted("gateway_requests_total", field="none", code="OPERATION_TOO_COMPLEX") == 1
    assert counted("gateway_requests_total", field="none", code="GRAPHQL_PARSE_FAILED") == 1


def test_other_requests_are_not_counted(api: Api, counted: Counted) -> None:
    for path in ("/healthz", "/readyz", "/.well-known/jwks.json", "/nothing"):
        api.client.get(path)
    assert not [code for code in ErrorCode.__members__ if counted("gateway_requests_total", field="none", code=code)]


def test_client_texts_do_not_become_labels(api: Api) -> None:
    api("query A { __typename }")
    api("{ nothing }")
    api("{")
    api.post(b"{")
    before = labels()
    for n in range(40):
        api(f"query Operation{n} {{ __typename }}")
        api(f"{{ field{n} }}")
        api(f"{{ __typename @d{n} }}")
        api.post(b'{"operationName": "%d"}' % n)
        api(f"query A{n} {{ a{n}: __typename }} query B {{ __typename }}", **{"X-Request-Id": f"request-{n:05}"})
    added = labels() - before
    assert added <= {("code", name) for name in ErrorCode.__members__}


def test_every_label_is_from_the_schema_or_the_code(api: Api) -> None:
    member = api.new_member()
    member("{ me { id } dashboard { message } }")
    query, mutation = schema.graphql_schema.query_type, schema.graphql_schema.mutation_type
    assert query
    assert mutation
    fields = {*query.fields, *mutation.fields, "none", "several", "introspection"}
    assert {value for name, value in labels() if name == "field"} <= fields
    assert {value for name, value in labels() if name == "code"} <= {*ErrorCode.__members__, "OK"}
