"""Passkeys: sign-in, and the passkeys of the signed-in user."""

import graphene
from graphene.types.generic import GenericScalar

from users.mfa import passkey_authenticators, passkey_setup, passkeys
from users.schema.caller import caller, signed_in
from users.schema.mutation import Mutation
from users.schema.tokens import Granted
from users.sign_in import passkey as sign_in


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


class PasskeyAssertionOptions(Mutation):
    """Return options for `navigator.credentials.get()`.

    With `challenge`, they are for `secondFactorAuth`; with an access token, for `reauthenticate`; with neither, for
    `passkeyAuth`.
    """

    class Arguments:
        challenge = graphene.String(description="The challenge of SECOND_FACTOR_REQUIRED.")

    options = graphene.Field(
        PasskeyRequestOptions, required=True, description="The options. They are valid once and for 10 minutes."
    )

    def mutate(root, info, challenge=None):
        return PasskeyAssertionOptions(options=passkeys.options(caller(info), challenge=challenge))


class PasskeyAuth(Granted, Mutation):
    """Sign in with a passkey alone. It counts as two factors, because the authenticator verifies its user."""

    class Arguments:
        passkey = graphene.Argument(
            PasskeyAssertion, required=True, description="The result of `navigator.credentials.get()`."
        )
        device_name = graphene.String(description="The name of this device in the list of sessions.")

    def mutate(root, info, **arguments):
        return sign_in.sign_in(caller(info), **arguments)


class PasskeyRegistrationOptions(Mutation):
    """Return options for `navigator.credentials.create()`. The account can have 10 passkeys."""

    options = graphene.Field(
        PasskeyCreationOptions, required=True, description="The options. They are valid once and for 10 minutes."
    )

    def mutate(root, info):
        return PasskeyRegistrationOptions(options=passkey_setup.registration_options(signed_in(info)))


class RegisterPasskey(Mutation):
    """Add a passkey to the account."""

    class Arguments:
        passkey = graphene.Argument(
            PasskeyRegistration, required=True, description="The result of `navigator.credentials.create()`."
        )
        name = graphene.String(
            description="A name for the passkey, up to 100 characters. By default its authenticator."
        )

    passkey = graphene.Field(Passkey, required=True, description="The new passkey.")

    def mutate(root, info, **arguments):
        return RegisterPasskey(passkey=passkey_setup.register(signed_in(info), **arguments))


class RenamePasskey(Mutation):
    """Change the name of a passkey."""

    class Arguments:
        id = graphene.ID(required=True, description="The id of the passkey.")
        name = graphene.String(required=True, description="The new name, up to 100 characters.")

    passkey = graphene.Field(Passkey, required=True, description="The renamed passkey.")

    def mutate(root, info, **arguments):
        return RenamePasskey(passkey=passkey_setup.rename(signed_in(info), **arguments))


class RemovePasskey(Mutation):
    """Remove a passkey. Remove it in the device or password manager too, which may offer it otherwise."""

    class Arguments:
        id = graphene.ID(required=True, description="The id of the passkey.")

    removed_passkey_id = graphene.ID(required=True, description="The id of the removed passkey.")

    def mutate(root, info, id):
        return RemovePasskey(removed_passkey_id=passkey_setup.remove(signed_in(info), id=id))
