"""Authenticator apps: setup and removal."""

import graphene

from users.mfa import totp_setup, two_factor
from users.schema.caller import signed_in_for_setup
from users.schema.mutation import Mutation
from users.schema.security import AccountSecurity


class BeginTotpSetup(Mutation):
    """Create the secret of an authenticator app. Nothing is stored until `confirmTotpSetup`.

    REAUTHENTICATION_REQUIRED without a recent authentication, EMAIL_NOT_VERIFIED until the email is verified.
    """

    setup = graphene.String(required=True, description="The token for `confirmTotpSetup`. Valid for 15 minutes.")
    secret = graphene.String(required=True, description="The secret, to type into an app that cannot scan.")
    uri = graphene.String(required=True, description="The `otpauth:` URI, to open in an app on the same device.")
    qr_code = graphene.String(required=True, description="The URI as a QR code: an SVG image as a `data:` URL.")

    def mutate(root, info):
        return totp_setup.begin(signed_in_for_setup(info))


class ConfirmTotpSetup(Mutation):
    """Store the authenticator app, and turn on two-factor authentication. Ends all other sessions."""

    class Arguments:
        setup = graphene.String(required=True, description="The token of `beginTotpSetup`, from the same session.")
        code = graphene.String(required=True, description="The code that the app shows. It cannot be used to sign in.")

    security = graphene.Field(AccountSecurity, required=True, description="The protection of the account.")
    recovery_codes = graphene.List(
        graphene.NonNull(graphene.String),
        description="New recovery codes, shown only once. Null if two-factor authentication was already on.",
    )
    ended_sessions = graphene.Int(required=True, description="The number of other sessions that ended.")

    def mutate(root, info, **arguments):
        asking = signed_in_for_setup(info)
        enabled = totp_setup.confirm(asking, **arguments)
        return ConfirmTotpSetup(
            security=two_factor.security(asking.user),
            recovery_codes=enabled.recovery_codes,
            ended_sessions=enabled.ended_sessions,
        )


class RemoveTotp(Mutation):
    """Remove the authenticator app. Two-factor authentication is off if no other factor is left.

    REAUTHENTICATION_REQUIRED without a recent authentication.
    """

    security = graphene.Field(AccountSecurity, required=True, description="The protection of the account.")

    def mutate(root, info):
        asking = signed_in_for_setup(info)
        totp_setup.remove(asking)
        return RemoveTotp(security=two_factor.security(asking.user))
