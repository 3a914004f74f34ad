"""The GraphQL types of passkeys."""

from graphql import GraphQLScalarType

from gateway.graphql.schema import schema
from tests.api import Api
from tests.authenticator import Authenticator
from tests.passkeys import register, verified
from users.models import Passkey


def test_scalars_name_their_specification() -> None:
    for name in ("CreationOptions", "RequestOptions", "Registration", "Assertion"):
        scalar = schema.graphql_schema.type_map[f"Passkey{name}"]
        assert isinstance(scalar, GraphQLScalarType)
        assert (scalar.specified_by_url or "").startswith("https://www.w3.org/TR/webauthn-3/#dictdef-")


def test_passkey_has_its_credential_id_for_browsers(api: Api) -> None:
    key = Authenticator()
    passkey = register(verified(), key).data["registerPasskey"]["passkey"]
    assert passkey["credentialId"] == key.get({"challenge": "AA"})["id"]
    assert passkey["createdAt"] == Passkey.objects.get().created_at.isoformat()
