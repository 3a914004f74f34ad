"""Random documents that are generated from the schema."""

from pathlib import Path
from typing import Any

import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings

from tests.api import Api

schema = schemathesis.graphql.from_path(Path(__file__).parent.parent.parent / "schema.graphql")
FAULTS = {"INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE"}


@schema.parametrize()
@settings(
    max_examples=25,
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
