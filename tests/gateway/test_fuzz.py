"""Random documents that are generated from the schema."""

from pathlib import Path
from typing import Any

import orjson
import pytest
import schemathesis
from graphql import parse_value
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tests.api import Api

schema = schemathesis.graphql.from_path(Path(__file__).parent.parent.parent / "schema.graphql")
JSON = [
    "null",
    "1",
    "1.5",
    "true",
    '""',
    '"a"',
    "[]",
    "{}",
    "{id: 1}",
    '{id: "a", response: {}}',
    "{response: {id: [1]}}",
]
for name in ("PasskeyRegistration", "PasskeyAssertion"):
    schemathesis.graphql.scalar(name, st.sampled_from(JSON).map(parse_value))
FAULTS = {"INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE"}


@schema.parametrize()
@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@pytest.mark.django_db
def test_documents_generated_from_the_schema_cause_no_internal_error(case: Any) -> None:
    body = case.body if isinstance(case.body, dict) else {"query": case.body}
    answer = Api().post(orjson.dumps(body))
    assert answer.status in {200, 413}, answer.response.content
    codes = {error["extensions"]["code"] for error in answer.json.get("errors", ())}
    assert not codes & FAULTS, (body, answer.json)
