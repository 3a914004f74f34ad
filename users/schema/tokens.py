"""Tokens: signing in, staying signed in, signing out, and asking what a token says."""

from typing import Any

import graphene
from graphene.types.generic import GenericScalar

from users import tokens
from users.schema.caller import caller
from users.schema.mutation import Mutation
from users.schema.user import User

SWITCHED = "Null unless `GATEWAY_TOKEN_CLAIMS` switches it on."


class TokenClaims(graphene.ObjectType):
    """What an access token says."""

    sub = graphene.ID(required=True, description="The user's id.")
    sid = graphene.ID(required=True, description="The session's id.")
    iss = graphene.String(required=True, description="Who signed it.")
    aud = graphene.String(required=True, description="Whom it is for.")
    iat = graphene.Int(required=True, description="When it was made, in seconds since the epoch.")
    exp = graphene.Int(required=True, description="When it ends, in seconds since the epoch.")
    username = graphene.String(description=SWITCHED)
    email = graphene.String(description=SWITCHED)
    full_name = graphene.String(description=SWITCHED)
    is_email_verified = graphene.Boolean(description=SWITCHED)
    image_url = graphene.String(description=SWITCHED)
    bio = graphene.String(description=SWITCHED)
    roles = graphene.List(graphene.NonNull(graphene.String), description=SWITCHED)


def claimed(*, required: bool) -> dict[str, Any]:
    """The fields that tell a token's claims, and whose it is."""
    return {
        "user": graphene.Field(User, required=required, description="Whose token it is."),
        "payload": graphene.Field(
            GenericScalar,
            required=required,
            description="The claims, with `username` and `origIat`, as django-graphql-jwt gives them.",
            deprecation_reason="Untyped; select claims instead.",
        ),
        "claims": graphene.Field(TokenClaims, required=required, description="What the access token says."),
        "resolve_payload": lambda given, info: given.claims and tokens.payload(given),
    }


def granted(*, required: bool) -> dict[str, Any]:
    """The fields of a pair of tokens."""
    return claimed(required=required) | {
        "token": graphene.String(
            required=required, description="The access token: send it as `Authorization: Bearer <token>`."
        ),
        "refresh_token": graphene.String(
            required=required, description="Exchange it once for the next pair; keep it secret. Empty in cookie mode."
        ),
        "refresh_expires_in": graphene.Int(
            required=required,
            description="When the session ends for good, in seconds since the epoch; refreshing does not move it.",
        ),
    }


Claimed: Any = type("Claimed", (), claimed(required=True))
Granted: Any = type("Granted", (), granted(required=True))
MaybeGranted: Any = type("MaybeGranted", (), granted(required=False))


class TokenAuth(Granted, Mutation):
    """Sign in by username or email."""

    class Arguments:
        username = graphene.String(required=True, description="The username or the email address, in any case.")
        password = graphene.String(required=True, description="The password, compared whole.")
        device_name = graphene.String(description="What to call this device in the list of sessions.")

    def mutate(root, info, **arguments):
        return tokens.sign_in(caller(info), **arguments)


class VerifyToken(Claimed, Mutation):
    """Check an access token: the argument, or the one in the Authorization header."""

    class Arguments:
        token = graphene.String(description="An access token; without it, the one in the header is checked.")

    def mutate(root, info, token=None):
        return tokens.verify(caller(info), token=token)


class RefreshToken(Granted, Mutation):
    """Exchange a refresh token for the next pair; asked again within seconds, it gives the same pair."""

    class Arguments:
        refresh_token = graphene.String(description="The refresh token of the last answer; none in cookie mode.")

    def mutate(root, info, refresh_token=None):
        return tokens.refresh(caller(info), refresh_token=refresh_token)


class RevokeToken(Mutation):
    """Sign out: end the session of a refresh token. A token that is not ours is no error."""

    class Arguments:
        refresh_token = graphene.String(description="Any refresh token of the session; none in cookie mode.")

    revoked = graphene.Int(required=True, description="When, in seconds since the epoch.")

    def mutate(root, info, refresh_token=None):
        return RevokeToken(revoked=tokens.revoke(caller(info), refresh_token=refresh_token))
