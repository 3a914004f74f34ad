"""The schema: execution without the view, and descriptions."""

from typing import Any

from django.test import RequestFactory
from graphql import GraphQLScalarType, is_introspection_type, is_specified_scalar_type

from gateway.graphql.schema import schema
from gateway.http.request_info import RequestInfo
from tests.api import Api
from users.caller import Caller

TYPES = [each for each in schema.graphql_schema.type_map.values() if not is_introspection_type(each)]


def test_schema_sets_the_caller_without_the_middleware(api: Api, rf: RequestFactory) -> None:
    request = rf.post("/", headers={"Authorization": f"Bearer {api.new_member().token}"})
    assert schema.execute("{ me { username } }", context_value=request).data == {"me": {"username": "alice"}}
    assert schema.execute("{ me { username } }", context=request).data == {"me": {"username": "alice"}}


def test_existing_caller_is_not_replaced(api: Api, rf: RequestFactory) -> None:
    request: Any = rf.post("/", headers={"Authorization": f"Bearer {api.new_member().token}"})
    request.gateway = RequestInfo(caller=Caller())
    assert schema.execute("{ me { username } }", context_value=request).data == {"me": None}


def test_document_without_a_caller_needs_no_request() -> None:
    assert schema.execute("{ __typename }").data == {"__typename": "Query"}


def test_everything_in_the_schema_is_described() -> None:
    missing = []
    for each in TYPES:
        parts = {**getattr(each, "fields", {}), **getattr(each, "values", {})}
        arguments = {
            f"{name}({key}:)": arg for name, part in parts.items() for key, arg in getattr(part, "args", {}).items()
        }
        described = {"": each, **parts, **arguments}
        missing += [f"{each.name}.{name}" for name, part in described.items() if not part.description]
    assert not missing


def test_custom_scalars_have_a_specification_url() -> None:
    own = [each for each in TYPES if isinstance(each, GraphQLScalarType) and not is_specified_scalar_type(each)]
    assert own
    assert all(each.specified_by_url for each in own)


def test_list_items_are_non_null() -> None:
    types = {str(field.type) for each in TYPES for field in getattr(each, "fields", {}).values()}
    assert not [each for each in types if "[" in each and not each.rstrip("!").endswith("!]")]
