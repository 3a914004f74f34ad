"""Token pairs: an access token and a refresh token, issued by a sign-in and replaced by each refresh."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from django.utils import timezone

from users import throttle
from users.authentication_methods import Factor
from users.caller import Caller
from users.crypto.access_tokens import Claims
from users.errors import FieldError, FieldErrorCode, InvalidInput, TokenExpired, TokenInvalid, TokenReused
from users.models import Session, User
from users.sessions import access_tokens, rotation, sessions


@dataclass(frozen=True, slots=True)
class TokenPair:
    """An access token with its claims, a refresh token, and their user."""

    user: User
    session: Session
    token: str
    refresh_token: str
    refresh_expires_in: int
    claims: Claims


def issue(caller: Caller, *, user: User, factors: Collection[Factor], device_name: str = "") -> TokenPair:
    """Open a session and return its first pair; call `move_to_cookie` after the commit."""
    return _pair(*sessions.create(caller, user=user, factors=factors, device_name=device_name))


def move_to_cookie(caller: Caller, pair: TokenPair, *, is_sign_in: bool = True) -> TokenPair:
    """In cookie mode, move the refresh token into the cookie, and remember the user of a sign-in on this device."""
    if caller.refresh_cookie is None:
        return pair
    caller.refresh_cookie.set(pair.refresh_token, pair.refresh_expires_in)
    if is_sign_in:
        caller.refresh_cookie.remember_user(pair.user)
    return replace(pair, refresh_token="")


def refresh(caller: Caller, *, refresh_token: str | None) -> TokenPair:
    """Return the next pair of the session of a refresh token."""
    presented = _presented(caller, refresh_token)
    try:
        pair = _pair(*rotation.rotate(caller, refresh_token=presented))
    except (TokenInvalid, TokenReused, TokenExpired) as refusal:
        _clear_cookie(caller)
        if not isinstance(refusal, TokenExpired):
            throttle.consume(caller, throttle.buckets("invalid_refresh", throttle.place(caller)))
        if caller.refresh_cookie and not isinstance(refusal, TokenReused):
            raise type(refusal)(_cookie_message(refusal, presented)) from None
        raise
    return move_to_cookie(caller, pair, is_sign_in=False)


def revoke(caller: Caller, *, refresh_token: str | None) -> int:
    """End the session of a refresh token, and return the current time in seconds.

    An unknown token is no error (RFC 7009 section 2.2).
    """
    sessions.revoke(caller, refresh_token=_presented(caller, refresh_token))
    _clear_cookie(caller)
    return int(timezone.now().timestamp())


def _presented(caller: Caller, refresh_token: str | None) -> str:
    if caller.refresh_cookie:
        # Clients may send back the empty text that answers contain in cookie mode.
        if refresh_token:
            message = "In cookie mode, the cookie holds the refresh token. Omit the argument."
            raise InvalidInput(FieldError("refresh_token", FieldErrorCode.INVALID, message))
        return caller.refresh_cookie.read() or ""
    if refresh_token is None:
        raise InvalidInput(FieldError("refresh_token", FieldErrorCode.REQUIRED, "Enter a refresh token."))
    return refresh_token


def _cookie_message(refusal: TokenInvalid | TokenExpired, presented: str) -> str:
    if not presented:
        return 'The refresh token cookie is missing. Sign in first, and send requests with credentials: "include".'
    if isinstance(refusal, TokenExpired):
        return "The refresh token in the cookie has expired. Sign in again."
    return "The refresh token in the cookie is not valid, or was already used. Sign in again."


def _clear_cookie(caller: Caller) -> None:
    if caller.refresh_cookie:
        caller.refresh_cookie.clear()


def _pair(session: Session, refresh_token: str) -> TokenPair:
    claims = access_tokens.claims_of(session)
    return TokenPair(
        user=session.user,
        session=session,
        token=access_tokens.sign(claims),
        refresh_token=refresh_token,
        refresh_expires_in=int(session.absolute_expires_at.timestamp()),
        claims=claims,
    )
