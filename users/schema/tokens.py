"""Tokens: signing in, refreshing, signing out and checking an access token."""

from typing import Any

import graphene
from graphene.types.generic import GenericScalar

from users.schema.caller import caller
from users.schema.mutation import Mutation
from users.schema.user import User
from users.sessions import access_tokens

SWITCHED = "Null unless `GATEWAY_TOKEN_CLAIMS` switches it on."
SWITCHED_WITH_EMAIL = "Null unless `GATEWAY_TOKEN_CLAIMS` switches it, or `email`, on."


class TokenClaims(graphene.ObjectType):
    """The claims of an access token."""

    sub = graphene.ID(required=True, description="The user's id.")
    sid = graphene.ID(required=True, description="The session's id.")
    iss = graphene.String(required=True, description="The gateway that issued the token.")
    aud = graphene.String(required=True, description="The services that the token is for.")
    iat = graphene.Int(required=True, description="When the token was issued, in seconds since the epoch.")
    exp = graphene.Int(required=True, description="When the token expires, in seconds since the epoch.")
    username = graphene.String(description=SWITCHED)
    email = graphene.String(description=SWITCHED)
    full_name = graphene.String(description=SWITCHED)
    is_email_verified = graphene.Boolean(description=SWITCHED_WITH_EMAIL)
    image_url = graphene.String(description=SWITCHED)
    bio = graphene.String(description=SWITCHED)
    roles = graphene.List(graphene.NonNull(graphene.String), description=SWITCHED)


def claimed(*, required: bool) -> dict[str, Any]:
    """Return the fields for a token's claims and its user."""
    return {
        "user": graphene.Field(User, required=required, description="The token's user."),
        "payload": graphene.Field(
            GenericScalar,
            required=required,
            description="The claims, with `username` and `origIat`, as django-graphql-jwt gives them.",
            deprecation_reason="Untyped; select claims instead.",
        ),
        "claims": graphene.Field(TokenClaims, required=required, description="The claims of the access token."),
        "resolve_payload": lambda given, info: given.claims and access_tokens.payload(given),
    }


def granted(*, required: bool) -> dict[str, Any]:
    """Return the fields for a pair of tokens."""
    return claimed(required=required) | {
        "token": graphene.String(
            required=required, description="The access token. Send it as `Authorization: Bearer <token>`."
        ),
        "refresh_token": graphene.String(
            required=required, description="Works once, for the next pair. Keep it secret. Empty in cookie mode."
        ),
        "refresh_expires_in": graphene.Int(
            required=required,
            description="When the session ends, in seconds since the epoch. Refreshing does not move it.",
        ),
    }


Claimed: Any = type("Claimed", (), claimed(required=True))
Granted: Any = type("Granted", (), granted(required=True))
MaybeGranted: Any = type("MaybeGranted", (), granted(required=False))


class TokenAuth(Granted, Mutation):
    """Sign in by username or email."""

    class Arguments:
        username = graphene.String(required=True, description="The username or the email address, ignoring case.")
        password = graphene.String(required=True, description="The password.")
        device_name = graphene.String(description="What to call this device in the list of sessions.")

    def mutate(root, info, **arguments):
        return access_tokens.sign_in(caller(info), **arguments)


class VerifyToken(Claimed, Mutation):
    """Check an access token: the argument, or the one in the Authorization header."""

    class Arguments:
        token = graphene.String(description="The access token to check. Default: the one in the Authorization header.")

    def mutate(root, info, token=None):
        return access_tokens.verify(caller(info), token=token)


class RefreshToken(Granted, Mutation):
    """Exchange a refresh token (the argument, or the cookie) for the next pair.

    Repeated within a few seconds, it returns the same pair.
    """

    class Arguments:
        refresh_token = graphene.String(description="The newest refresh token of the session. Omit it in cookie mode.")

    def mutate(root, info, refresh_token=None):
        return access_tokens.refresh(caller(info), refresh_token=refresh_token)


class RevokeToken(Mutation):
    """Sign out: end the session of a refresh token (the argument, or the cookie). An unknown token is no error."""

    class Arguments:
        refresh_token = graphene.String(description="Any refresh token of the session. Omit it in cookie mode.")

    revoked = graphene.Int(required=True, description="When the session ended, in seconds since the epoch.")

    def mutate(root, info, refresh_token=None):
        return RevokeToken(revoked=access_tokens.revoke(caller(info), refresh_token=refresh_token))
