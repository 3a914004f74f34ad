"""Two-factor authentication: the second step of a sign-in, the switch, and recovery codes."""

import graphene

from users.mfa import two_factor
from users.schema.caller import caller, signed_in_for_setup
from users.schema.mutation import Mutation
from users.schema.passkey_types import PasskeyAssertion
from users.schema.security import AccountSecurity
from users.schema.tokens import Granted
from users.sign_in import second_factor


class SecondFactorAuth(Granted, Mutation):
    """Complete a sign-in that was answered with SECOND_FACTOR_REQUIRED. Pass either `code` or `passkey`."""

    class Arguments:
        challenge = graphene.String(required=True, description="The challenge of the error. It works once.")
        code = graphene.String(description="A code of the authenticator app, or a recovery code.")
        passkey = graphene.Argument(
            PasskeyAssertion, description="A passkey: the result of `navigator.credentials.get()`."
        )

    def mutate(root, info, **arguments):
        return second_factor.sign_in(caller(info), **arguments)


class SetTwoFactor(Mutation):
    """Turn two-factor authentication on or off. Turning it on ends all other sessions.

    REAUTHENTICATION_REQUIRED without a recent authentication. Turning it on requires a recent second factor.
    """

    class Arguments:
        enabled = graphene.Boolean(required=True, description="Set to true to require a second factor.")

    security = graphene.Field(AccountSecurity, required=True, description="The protection of the account.")
    recovery_codes = graphene.List(
        graphene.NonNull(graphene.String),
        description="New recovery codes, shown only once. Null unless two-factor authentication was turned on.",
    )
    ended_sessions = graphene.Int(required=True, description="The number of other sessions that ended.")

    def mutate(root, info, enabled):
        asking = signed_in_for_setup(info)
        changed = two_factor.set_enabled(asking, enabled=enabled)
        return SetTwoFactor(
            security=two_factor.security(asking.user),
            recovery_codes=changed.recovery_codes,
            ended_sessions=changed.ended_sessions,
        )


class RegenerateRecoveryCodes(Mutation):
    """Replace the recovery codes by ten new ones. The former ones no longer work.

    REAUTHENTICATION_REQUIRED without a recent authentication.
    """

    recovery_codes = graphene.List(
        graphene.NonNull(graphene.String), required=True, description="The new codes, shown only once."
    )

    def mutate(root, info):
        codes = two_factor.regenerate_recovery_codes(signed_in_for_setup(info))
        return RegenerateRecoveryCodes(recovery_codes=codes)
