"""The GraphQL types of passkeys."""

from graphql import GraphQLScalarType

from gateway.graphql.schema import schema


def test_scalars_name_their_specification() -> None:
    for name in ("CreationOptions", "RequestOptions", "Registration", "Assertion"):
        scalar = schema.graphql_schema.type_map[f"Passkey{name}"]
        assert isinstance(scalar, GraphQLScalarType)
        assert (scalar.specified_by_url or "").startswith("https://www.w3.org/TR/webauthn-3/#dictdef-")
