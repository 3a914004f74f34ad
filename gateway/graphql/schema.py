"""The GraphQL schema, which `make schema` writes to schema.graphql."""

from typing import Any

import graphene
from graphql import ExecutionResult, GraphQLScalarType

from gateway.graphql.authentication import set_caller
from gateway.http.request_info import get_info
from users.schema import Mutation, Query

SPECIFICATIONS = {
    "DateTime": "https://scalars.graphql.org/andimarek/date-time.html",
    "GenericScalar": "https://www.rfc-editor.org/rfc/rfc8259",
    "PasskeyCreationOptions": "https://www.w3.org/TR/webauthn-3/#dictdef-publickeycredentialcreationoptionsjson",
    "PasskeyRequestOptions": "https://www.w3.org/TR/webauthn-3/#dictdef-publickeycredentialrequestoptionsjson",
    "PasskeyRegistration": "https://www.w3.org/TR/webauthn-3/#dictdef-registrationresponsejson",
    "PasskeyAssertion": "https://www.w3.org/TR/webauthn-3/#dictdef-authenticationresponsejson",
}


class Schema(graphene.Schema):
    """A schema that can be executed without the view, for example in tests."""

    def execute(self, *args: Any, **kwargs: Any) -> ExecutionResult:
        """Execute a document. Set the caller if the request has not passed the middleware."""
        request = kwargs.get("context_value", kwargs.get("context"))
        if request is not None and get_info(request).caller is None:
            set_caller(request)
        result: ExecutionResult = super().execute(*args, **kwargs)
        return result


schema = Schema(query=Query, mutation=Mutation)
for _name, _url in SPECIFICATIONS.items():
    _scalar = schema.graphql_schema.type_map[_name]
    assert isinstance(_scalar, GraphQLScalarType)
    _scalar.specified_by_url = _url
