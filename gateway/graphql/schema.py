"""The schema, as the gateway serves it and `schema.graphql` prints it."""

from typing import Any

import graphene
from graphql import ExecutionResult, GraphQLScalarType

from gateway.graphql.authentication import identify
from gateway.http.request_info import info
from users.schema import Mutation, Query

SPECIFICATIONS = {
    "DateTime": "https://scalars.graphql.org/andimarek/date-time.html",
    "GenericScalar": "https://www.rfc-editor.org/rfc/rfc8259",
}


class Schema(graphene.Schema):
    """A schema that knows its caller also where it is executed without the view."""

    def execute(self, *args: Any, **kwargs: Any) -> ExecutionResult:
        """The result of a document, for a request that need not have passed the middleware."""
        request = kwargs.get("context_value", kwargs.get("context"))
        if request is not None and info(request).caller is None:
            identify(request)
        result: ExecutionResult = super().execute(*args, **kwargs)
        return result


schema = Schema(query=Query, mutation=Mutation)
for _name, _url in SPECIFICATIONS.items():
    _scalar = schema.graphql_schema.type_map[_name]
    assert isinstance(_scalar, GraphQLScalarType)
    _scalar.specified_by_url = _url
