"""Authenticating again in the same session."""

import graphene

from users.mfa import reauthentication
from users.schema.caller import signed_in_for_setup
from users.schema.mutation import Mutation
from users.schema.passkey_types import PasskeyAssertion
from users.schema.tokens import TokenClaims


class Reauthenticate(Mutation):
    """Authenticate again in this session, after REAUTHENTICATION_REQUIRED. Pass exactly one argument.

    With two-factor authentication, the password alone is not enough. The refresh token and other sessions stay valid.
    """

    class Arguments:
        password = graphene.String(description="The password. Accepted only without two-factor authentication.")
        code = graphene.String(description="A code of the authenticator app, or a recovery code.")
        passkey = graphene.Argument(
            PasskeyAssertion, description="A passkey: the result of `navigator.credentials.get()`."
        )

    token = graphene.String(required=True, description="A new access token with the new `auth_time`.")
    claims = graphene.Field(TokenClaims, required=True, description="The claims of the access token.")
    reauthenticated_until = graphene.DateTime(
        required=True,
        description="The time until which this session may do what requires a recent authentication.",
    )

    def mutate(root, info, **arguments):
        return reauthentication.reauthenticate(signed_in_for_setup(info), **arguments)
