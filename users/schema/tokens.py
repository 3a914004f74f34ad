"""Tokens: sign-in, refresh, sign-out, and the check of an access token."""

from typing import Any

import graphene
from graphene.types.generic import GenericScalar

from users.schema.caller import caller
from users.schema.mutation import Mutation
from users.schema.user import User
from users.sessions import access_tokens, token_pairs
from users.sign_in import password

SWITCHED = "Null unless `GATEWAY_TOKEN_CLAIMS` contains it."


class TokenClaims(graphene.ObjectType):
    """The claims of an access token."""

    sub = graphene.ID(required=True, description="The user's id.")
    sid = graphene.ID(required=True, description="The session's id.")
    iss = graphene.String(required=True, description="The issuer: the gateway that issued the token.")
    aud = graphene.String(required=True, description="The audience: the services that accept the token.")
    iat = graphene.Int(required=True, description="The time at which the token was issued, in seconds since the epoch.")
    exp = graphene.Int(required=True, description="The time at which the token expires, in seconds since the epoch.")
    auth_time = graphene.Int(
        required=True,
        description="The time at which the user last authenticated in this session, in seconds since the epoch.",
    )
    acr = graphene.String(
        required=True, description="The assurance level: aal1 for one factor, aal2 for two factors or a passkey."
    )
    amr = graphene.List(
        graphene.NonNull(graphene.String),
        required=True,
        description="The methods (RFC 8176): pwd, otp, hwk, swk, user, mfa; and fed for a provider.",
    )
    username = graphene.String(description=f"The username. {SWITCHED}")
    email = graphene.String(description=f"The email. {SWITCHED}")
    full_name = graphene.String(description=f"The full name. {SWITCHED}")
    is_email_verified = graphene.Boolean(
        description="Whether the email is verified. Null unless `GATEWAY_TOKEN_CLAIMS` contains it or `email`."
    )
    image_url = graphene.String(description=f"The URL of the user's picture. {SWITCHED}")
    bio = graphene.String(description=f"The text about the user. {SWITCHED}")
    roles = graphene.List(graphene.NonNull(graphene.String), description=f"The names of the user's groups. {SWITCHED}")

    # Access tokens of the previous release have neither. They are valid for some minutes after an upgrade.
    def resolve_acr(claims, info):
        return claims.get("acr", "aal1")

    def resolve_amr(claims, info):
        return claims.get("amr", [])


def claimed(*, required: bool) -> dict[str, Any]:
    """Return the fields of payloads with the claims of a token and its user."""
    return {
        "user": graphene.Field(User, required=required, description="The user of the token."),
        "payload": graphene.Field(
            GenericScalar,
            required=required,
            description="The claims, with `username` and `origIat`, in the form of django-graphql-jwt.",
            deprecation_reason="Untyped; select claims instead.",
        ),
        "claims": graphene.Field(TokenClaims, required=required, description="The claims of the access token."),
        "resolve_payload": lambda given, info: given.claims and access_tokens.payload(given),
    }


def granted(*, required: bool) -> dict[str, Any]:
    """Return the fields of payloads with a pair of tokens."""
    return claimed(required=required) | {
        "token": graphene.String(
            required=required, description="The access token. Send it as `Authorization: Bearer <token>`."
        ),
        "refresh_token": graphene.String(
            required=required,
            description="The refresh token, which works once. Keep it secret. Empty in cookie mode.",
        ),
        "refresh_expires_in": graphene.Int(
            required=required,
            description="The time at which the session ends, in seconds since the epoch. Fixed at sign-in.",
        ),
    }


Claimed: Any = type("Claimed", (), claimed(required=True))
Granted: Any = type("Granted", (), granted(required=True))
MaybeGranted: Any = type("MaybeGranted", (), granted(required=False))


class TokenAuth(Granted, Mutation):
    """Sign in by username or email."""

    class Arguments:
        username = graphene.String(required=True, description="The username or email, ignoring case.")
        password = graphene.String(required=True, description="The password.")
        device_name = graphene.String(description="The name of this device in the list of sessions.")

    def mutate(root, info, **arguments):
        return password.sign_in(caller(info), **arguments)


class VerifyToken(Claimed, Mutation):
    """Check an access token: the argument or, without it, the Authorization header."""

    class Arguments:
        token = graphene.String(description="The access token to check. Omit it to check the Authorization header.")

    def mutate(root, info, token=None):
        return access_tokens.verify(caller(info), token=token)


class RefreshToken(Granted, Mutation):
    """Exchange a refresh token (the argument or the cookie) for the next pair of tokens.

    A repetition within a few seconds returns the same pair.
    """

    class Arguments:
        refresh_token = graphene.String(description="The latest refresh token of the session. Omit it in cookie mode.")

    def mutate(root, info, refresh_token=None):
        return token_pairs.refresh(caller(info), refresh_token=refresh_token)


class RevokeToken(Mutation):
    """Sign out: end the session of a refresh token (the argument or the cookie). An unknown token is not an error."""

    class Arguments:
        refresh_token = graphene.String(description="Any refresh token of the session. Omit it in cookie mode.")

    revoked = graphene.Int(
        required=True, description="The time at which the session ended, in seconds since the epoch."
    )

    def mutate(root, info, refresh_token=None):
        return RevokeToken(revoked=token_pairs.revoke(caller(info), refresh_token=refresh_token))
