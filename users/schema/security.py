"""The protection of an account, and the options of a sign-in page."""

import graphene
from django.conf import settings

from users.mfa import passkey_ceremonies
from users.schema.authentication_methods import AuthenticationMethod
from users.schema.passkey_types import Passkey


class AccountSecurity(graphene.ObjectType):
    """The protection of the account."""

    two_factor_enabled = graphene.Boolean(required=True, description="Whether a sign-in requires a second factor.")
    has_password = graphene.Boolean(required=True, description="Whether the account has a password.")
    totp_enabled = graphene.Boolean(required=True, description="Whether the account has an authenticator app.")
    passkeys = graphene.List(
        graphene.NonNull(Passkey), required=True, description="The passkeys of the account, oldest first."
    )
    recovery_codes_remaining = graphene.Int(required=True, description="The number of unused recovery codes.")
    reauthenticated_until = graphene.DateTime(
        description="The time until which this session may do what requires a recent authentication. Null if it may "
        "not: call `reauthenticate` first."
    )
    reauthentication_methods = graphene.List(
        graphene.NonNull(AuthenticationMethod),
        required=True,
        description="The methods that `reauthenticate` accepts from this user.",
    )


class SignInOptions(graphene.ObjectType):
    """The options of a sign-in page."""

    registration_open = graphene.Boolean(required=True, description="Whether `register` creates accounts.")
    passkeys_enabled = graphene.Boolean(required=True, description="Whether this gateway offers passkeys.")
    password_min_length = graphene.Int(required=True, description="The minimum length of a new password.")


class Query(graphene.ObjectType):
    """Queries of a sign-in page."""

    sign_in_options = graphene.Field(
        SignInOptions, description="The options of a sign-in page, for clients that are not signed in."
    )

    def resolve_sign_in_options(root, info):
        return SignInOptions(
            registration_open=True,
            passkeys_enabled=passkey_ceremonies.is_enabled(),
            password_min_length=settings.GATEWAY_PASSWORD_MIN_LENGTH,
        )
