"""The GraphQL mutations of passkeys."""

from tests.api import Api
from tests.authenticator import Authenticator
from tests.passkeys import new_verified_member, register_passkey
from users.models import Passkey


def test_passkey_has_its_credential_id_for_browsers(api: Api) -> None:
    key = Authenticator()
    passkey = register_passkey(new_verified_member(), key).data["registerPasskey"]["passkey"]
    assert passkey["credentialId"] == key.get({"challenge": "AA"})["id"]
    assert passkey["createdAt"] == Passkey.objects.get().created_at.isoformat()
