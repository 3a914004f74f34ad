"""The schema, as it is executed without the view, and as it describes itself."""

from typing import Any

from django.test import RequestFactory
from graphql import GraphQLScalarType, is_introspection_type, is_specified_scalar_type

from gateway.graphql.schema import schema
from gateway.http.request_info import RequestInfo
from tests.api import Api
from users.caller import Caller

TYPES = [each for each in schema.graphql_schema.type_map.values() if not is_introspection_type(each)]


def test_the_schema_knows_its_caller_where_no_middleware_ran(api: Api, rf: RequestFactory) -> None:
    request = rf.post("/", headers={"Authorization": f"Bearer {api.join().token}"})
    assert schema.execute("{ me { username } }", context_value=request).data == {"me": {"username": "alice"}}
    assert schema.execute("{ me { username } }", context=request).data == {"me": {"username": "alice"}}


def test_a_caller_who_is_known_stays(api: Api, rf: RequestFactory) -> None:
    request: Any = rf.post("/", headers={"Authorization": f"Bearer {api.join().token}"})
    request.gateway = RequestInfo(caller=Caller())
    assert schema.execute("{ me { username } }", context_value=request).data == {"me": None}


def test_a_document_that_asks_for_nobody_needs_no_request() -> None:
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


def test_scalars_of_our_own_say_what_specifies_them() -> None:
    own = [each for each in TYPES if isinstance(each, GraphQLScalarType) and not is_specified_scalar_type(each)]
    assert own
    assert all(each.specified_by_url for each in own)


def test_no_list_holds_nulls() -> None:
    types = {str(field.type) for each in TYPES for field in getattr(each, "fields", {}).values()}
    assert not [each for each in types if "[" in each and not each.rstrip("!").endswith("!]")]
