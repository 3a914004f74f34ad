"""django-graphql-jwt's handlers: its helpers, decorators and test client, on the gateway's own tokens."""

from typing import Any

import jwt
from graphql import GraphQLResolveInfo

from gateway.http.request_info import info
from users.caller import Caller
from users.crypto.tokens import Claims, Expired, Invalid
from users.sessions import access_tokens, sessions


def payload(user: Any, context: Any = None) -> Claims:
    """The claims of a new session: a token made by `get_token` can be seen and ended like any other."""
    caller = (context is not None and info(context).caller) or Caller()
    session, _ = sessions.open(caller, user=user, device_name="get_token")
    return access_tokens.claims_of(session)


def encode(claims: Claims, context: Any = None) -> str:
    """The access token of these claims."""
    return access_tokens.sign(claims)


def decode(token: str, context: Any = None) -> Claims:
    """The claims of an access token, refused by the exceptions that the library knows."""
    try:
        return access_tokens.read(token)
    except Expired:
        raise jwt.ExpiredSignatureError from None
    except Invalid:
        raise jwt.DecodeError from None


def subject(claims: Claims) -> Claims:
    """What `user` needs to know: the session beside the user's id, so that an ended one finds nobody."""
    return claims


def user(claims: Claims) -> Any:
    """The user of a live session, or None."""
    session = sessions.find(id=claims["sid"], user_id=claims["sub"])
    return session.user if session else None


def leave_to_the_gateway(info: GraphQLResolveInfo, **arguments: Any) -> bool:
    """Keep the library's middleware from signing anyone in: the gateway has read the header already."""
    return True
