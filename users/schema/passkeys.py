"""Passkeys: sign-in, and the passkeys of the signed-in user."""

import graphene

from users.mfa import passkey_setup, passkeys, two_factor
from users.schema.caller import caller, signed_in, signed_in_for_setup
from users.schema.mutation import Mutation
from users.schema.passkey_types import (
    Passkey,
    PasskeyAssertion,
    PasskeyCreationOptions,
    PasskeyRegistration,
    PasskeyRequestOptions,
)
from users.schema.security import AccountSecurity
from users.schema.tokens import Granted
from users.sign_in import passkey as sign_in


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
    """Return options for `navigator.credentials.create()`. An account can have 10 passkeys.

    REAUTHENTICATION_REQUIRED without a recent authentication, EMAIL_NOT_VERIFIED until the email is verified.
    """

    options = graphene.Field(
        PasskeyCreationOptions, required=True, description="The options. They are valid once and for 10 minutes."
    )

    def mutate(root, info):
        return PasskeyRegistrationOptions(options=passkey_setup.registration_options(signed_in_for_setup(info)))


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
    security = graphene.Field(AccountSecurity, required=True, description="The protection of the account.")

    def mutate(root, info, **arguments):
        asking = signed_in_for_setup(info)
        passkey = passkey_setup.register(asking, **arguments)
        return RegisterPasskey(passkey=passkey, security=two_factor.security(asking.user))


class RenamePasskey(Mutation):
    """Change the name of a passkey."""

    class Arguments:
        id = graphene.ID(required=True, description="The id of the passkey.")
        name = graphene.String(required=True, description="The new name, up to 100 characters.")

    passkey = graphene.Field(Passkey, required=True, description="The renamed passkey.")

    def mutate(root, info, **arguments):
        return RenamePasskey(passkey=passkey_setup.rename(signed_in(info), **arguments))


class RemovePasskey(Mutation):
    """Remove a passkey. Two-factor authentication is off if no other factor is left.

    REAUTHENTICATION_REQUIRED without a recent authentication. LAST_SIGN_IN_METHOD if the account has no other way to
    sign in.
    """

    class Arguments:
        id = graphene.ID(required=True, description="The id of the passkey.")

    removed_passkey_id = graphene.ID(required=True, description="The id of the removed passkey.")
    security = graphene.Field(AccountSecurity, required=True, description="The protection of the account.")

    def mutate(root, info, id):
        asking = signed_in_for_setup(info)
        removed = passkey_setup.remove(asking, id=id)
        return RemovePasskey(removed_passkey_id=removed, security=two_factor.security(asking.user))
