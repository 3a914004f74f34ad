"""Handlers that make the helpers, decorators and test client of django-graphql-jwt use the gateway's tokens."""

from typing import Any

import jwt
from graphql import GraphQLResolveInfo

from gateway.http.request_info import get_info
from users.caller import Caller
from users.crypto.access_tokens import Claims, Expired, Invalid
from users.sessions import access_tokens, sessions


def payload(user: Any, context: Any = None) -> Claims:
    """Open a session and return its claims, so that users can list and end sessions that `get_token` makes."""
    caller = (context is not None and get_info(context).caller) or Caller()
    session, _ = sessions.create(caller, user=user, device_name="get_token")
    return access_tokens.claims_of(session)


def encode(claims: Claims, context: Any = None) -> str:
    """Return the access token with these claims."""
    return access_tokens.sign(claims)


def decode(token: str, context: Any = None) -> Claims:
    """Return the claims of an access token. Raise the exceptions of PyJWT, which the library expects."""
    try:
        return access_tokens.read(token)
    except Expired:
        raise jwt.ExpiredSignatureError from None
    except Invalid:
        raise jwt.DecodeError from None


def identity(claims: Claims) -> Claims:
    """Return all claims for `get_user`, because it needs the session as well as the user's id."""
    return claims


def get_user(claims: Claims) -> Any:
    """Return the user of a live session, or None if the session has ended."""
    session = sessions.find(id=claims["sid"], user_id=claims["sub"])
    return session.user if session else None


def skip_library_middleware(info: GraphQLResolveInfo, **arguments: Any) -> bool:
    """Return True, so that the library's middleware does not authenticate: JWTMiddleware has done it."""
    return True
