"""The types of passkeys: the JSON objects of browsers, and what the user sees of a passkey."""

import graphene
from graphene.types.generic import GenericScalar

from users.mfa import passkey_authenticators


class PasskeyCreationOptions(GenericScalar):
    """A JSON object for `PublicKeyCredential.parseCreationOptionsFromJSON()`."""


class PasskeyRequestOptions(GenericScalar):
    """A JSON object for `PublicKeyCredential.parseRequestOptionsFromJSON()`."""


class PasskeyRegistration(GenericScalar):
    """The JSON object that `toJSON()` returns for the result of `navigator.credentials.create()`."""


class PasskeyAssertion(GenericScalar):
    """The JSON object that `toJSON()` returns for the result of `navigator.credentials.get()`."""


class Passkey(graphene.ObjectType):
    """A passkey of the signed-in user."""

    id = graphene.ID(required=True, description="The id of the passkey, for `renamePasskey` and `removePasskey`.")
    name = graphene.String(required=True, description="The name of the passkey, which the user may change.")
    authenticator = graphene.String(
        description="The name of the device or password manager that stores the passkey, if known."
    )
    is_backed_up = graphene.Boolean(
        required=True, description="Whether the passkey is backed up, such as to the user's other devices."
    )
    credential_id = graphene.String(
        required=True,
        description="The credential id in base64url, for `PublicKeyCredential.signalAllAcceptedCredentials()`.",
    )
    created_at = graphene.DateTime(required=True, description="The time at which the passkey was added.")
    last_used_at = graphene.DateTime(description="The time at which the passkey was last used. Null if it never was.")

    def resolve_authenticator(passkey, info):
        return passkey_authenticators.name_of(passkey.aaguid)
