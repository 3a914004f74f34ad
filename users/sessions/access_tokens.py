"""Access tokens: signed for a session, verified, and the signed-in user that they identify."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol
from uuid import uuid5

import orjson
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from users import authentication_methods
from users.caller import Caller, SignedIn
from users.crypto import access_tokens as crypto
from users.crypto.access_tokens import Claims, Expired, Invalid
from users.errors import Reason, TokenExpired, TokenInvalid, Unauthenticated
from users.models import Session, User
from users.sessions import key_ring, sessions
from users.sessions.key_ring import KeyRing

CACHE_SIZE = 4_096


class HasClaims(Protocol):
    """A user with the claims of an access token."""

    @property
    def user(self) -> User:
        """Return the user of the token."""

    @property
    def session(self) -> Session:
        """Return the session of the token."""

    @property
    def claims(self) -> Claims:
        """Return the claims of the token."""


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """The claims of a valid access token, and its user."""

    user: User
    session: Session
    claims: Claims


def verify(caller: Caller, *, token: str | None = None) -> VerifiedToken:
    """Return the user and the claims of this access token, or of the one in the Authorization header."""
    if token is None:
        identity = signed_in(caller)
        return VerifiedToken(identity.user, identity.session, identity.claims)
    try:
        claims = read(token)
    except Expired:
        raise TokenExpired from None
    except Invalid:
        raise TokenInvalid from None
    session = sessions.find(id=claims["sid"], user_id=claims["sub"])
    if session is None:
        raise TokenInvalid
    return VerifiedToken(session.user, session, claims)


def signed_in(caller: Caller) -> SignedIn:
    """Return the caller as a signed-in one; raise Unauthenticated without a valid access token and a live session."""
    if caller.identity is None:
        try:
            caller.identity = _identify(caller)
        except (OperationalError, InterfaceError) as outage:
            # Kept, so that the other fields of the request do not wait for the database again.
            caller.identity = outage
    if isinstance(caller.identity, Exception):
        raise caller.identity
    if isinstance(caller.identity, Reason):
        raise Unauthenticated(caller.identity)
    return caller.identity


def own_session(caller: Caller, user: User) -> Session | None:
    """Return the caller's live session if it is the user's, and mark it as the current session of `user`."""
    try:
        session = signed_in(caller).session
    except Unauthenticated:
        return None
    if session.user_id != user.id:
        return None
    user.current_session_id = session.id
    return session


def read(token: str) -> Claims:
    """Return the claims of a valid access token of this gateway; raise Expired or Invalid for any other."""
    # Parsed for each call, so that callers do not share a dict.
    claims: Claims = orjson.loads(_verified_claims(token, key_ring.get()))
    crypto.check_time(claims, timezone.now().timestamp())
    return claims


def sign(claims: Claims) -> str:
    """Return the access token with these claims, signed by the current key."""
    return crypto.sign(claims, key_ring.get().current)


def claims_of(session: Session) -> Claims:
    """Return the claims of a session's access token.

    They are the same for one generation of the refresh token until the user authenticates again.
    """
    issued = int(max(session.rotated_at, session.reauthenticated_at or session.rotated_at).timestamp())
    factors = authentication_methods.parse(session.methods)
    expires = issued + int(settings.GATEWAY_ACCESS_LIFETIME.total_seconds())
    return {
        "iss": settings.GATEWAY_ISSUER,
        "aud": settings.GATEWAY_AUDIENCE,
        "sub": str(session.user_id),
        "sid": str(session.id),
        "iat": issued,
        "exp": min(expires, int(session.absolute_expires_at.timestamp())),
        "jti": str(uuid5(session.id, f"{session.generation} {session.authenticated_at.isoformat()}")),
        "auth_time": int(session.authenticated_at.timestamp()),
        "acr": authentication_methods.acr(factors),
        "amr": authentication_methods.amr(factors),
        **_user_claims(session.user),
    }


def payload(token: HasClaims) -> Claims:
    """Return the claims in the form of django-graphql-jwt."""
    return token.claims | {"username": token.user.username, "origIat": int(token.session.created_at.timestamp())}


def _identify(caller: Caller) -> SignedIn | Reason:
    if caller.token is None:
        return Reason.TOKEN_MISSING
    try:
        claims = read(caller.token)
    except Expired:
        return Reason.TOKEN_EXPIRED
    except Invalid:
        return Reason.TOKEN_INVALID
    session = sessions.find(id=claims["sid"], user_id=claims["sub"])
    if session is None:
        return Reason.TOKEN_INVALID
    return SignedIn(
        ip_address=caller.ip_address,
        user_agent=caller.user_agent,
        refresh_cookie=caller.refresh_cookie,
        user=session.user,
        session=session,
        claims=claims,
    )


def _user_claims(user: User) -> Claims:
    claims = {name: _claim(user, name) for name in settings.GATEWAY_TOKEN_CLAIMS}
    if "email" in claims:
        # Anyone can register any email, so services must see whether it is verified: under the name of the model, and
        # under the name of OpenID Connect (Core 1.0, section 5.1).
        claims["is_email_verified"] = claims["email_verified"] = user.is_email_verified
    return claims


def _claim(user: User, name: str) -> Any:
    return user.roles() if name == "roles" else getattr(user, name)


@lru_cache(maxsize=CACHE_SIZE)
def _verified_claims(token: str, ring: KeyRing) -> bytes:
    # The claims of a valid token as JSON. Its signature never changes, and checking it is most of a request's work.
    # Cached for one key ring, so that the tokens of a revoked key are no longer valid.
    claims = crypto.read(token, ring.by_kid, issuer=settings.GATEWAY_ISSUER, audience=settings.GATEWAY_AUDIENCE)
    return orjson.dumps(claims)
