"""Tokens: granted for a password or a refresh token, and recognised again."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from uuid import uuid5

import orjson
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from users import events, normalization, throttle
from users.caller import Caller, SignedIn
from users.crypto import tokens
from users.crypto.tokens import Claims, Expired, Invalid
from users.errors import (
    EmailNotVerified,
    FieldError,
    FieldErrorCode,
    Inspection,
    InvalidCredentials,
    InvalidInput,
    Reason,
    TokenExpired,
    TokenInvalid,
    TokenReused,
    Unauthenticated,
)
from users.events import Kind
from users.mail import messages, outbox
from users.models import Session, User
from users.passwords import changes
from users.sessions import sessions, signing_keys
from users.sessions.signing_keys import Ring

REMEMBERED = 4_096


@dataclass(frozen=True, slots=True)
class Grant:
    """A pair of tokens, and whose it is."""

    user: User
    token: str
    refresh_token: str
    refresh_expires_in: int
    claims: Claims


@dataclass(frozen=True, slots=True)
class Verified:
    """A checked access token, and whose it is."""

    user: User
    claims: Claims


def sign_in(caller: Caller, *, username: str, password: str, device_name: str | None = None) -> Grant:
    """A new session for who knows the password; every other case looks alike and takes as long."""
    inspection = Inspection()
    device = inspection.clean("device_name", normalization.device_name, device_name)
    inspection.finish()
    user, name = changes.owner(username), normalization.folded(username)
    tries = throttle.count_sign_in(caller, name=name, user=user)
    with tries.judging():
        is_right = changes.matches(caller, user, password, account=name) and not _is_unproven(user, username)
    if not is_right or user is None or not user.is_active:
        # Never the name as it was typed: people type passwords there.
        events.record(caller, Kind.SIGN_IN_REFUSED, user=user)
        raise InvalidCredentials
    if not user.is_email_verified and (_is_proof_required() or normalization.is_nowhere(user.email)):
        # Stays counted as an attempt, which bounds the events that it writes.
        events.record(caller, Kind.SIGN_IN_REFUSED, user=user, why="address not proven")
        raise EmailNotVerified
    is_new = throttle.is_new(caller, user)
    now = timezone.now()
    with transaction.atomic():
        # The password may have changed since it was checked: then it opens no session.
        unchanged = User.objects.filter(id=user.id, credential_version=user.credential_version, is_active=True)
        if not unchanged.update(last_login=now, erases_at=None):
            raise InvalidCredentials
        tries.reset()
        events.record_reopening(caller, user=user)
        granted = grant(caller, user=user, device_name=device)
        events.record(caller, Kind.SIGNED_IN, user=user, session_id=user.current_session_id)
        if is_new:
            outbox.notify(caller, messages.new_device, user=user, device=device)
    user.last_login, user.erases_at = now, None
    user_logged_in.send(sender=User, request=None, user=user)
    return move_to_cookie(caller, granted)


def grant(caller: Caller, *, user: User, device_name: str = "") -> Grant:
    """Open a session and return its first pair of tokens; `move_to_cookie` follows after the commit."""
    return _grant(*sessions.open(caller, user=user, device_name=device_name))


def move_to_cookie(caller: Caller, granted: Grant, *, is_sign_in: bool = True) -> Grant:
    """In cookie mode, move the refresh token into a cookie, and note the device after a sign-in."""
    if caller.keeper is None:
        return granted
    caller.keeper.keep(granted.refresh_token, granted.refresh_expires_in)
    if is_sign_in:
        caller.keeper.remember(granted.user)
    return replace(granted, refresh_token="")


def refresh(caller: Caller, *, refresh_token: str | None) -> Grant:
    """Return the next pair of tokens of a session, for its refresh token."""
    presented = _presented(caller, refresh_token)
    try:
        granted = _grant(*sessions.rotate(caller, refresh_token=presented))
    except (TokenInvalid, TokenReused, TokenExpired) as refusal:
        _forget(caller)
        if not isinstance(refusal, TokenExpired):
            throttle.count(caller, throttle.lanes("invalid_refresh", throttle.place(caller)))
        if caller.keeper and not isinstance(refusal, TokenReused):
            raise type(refusal)(_cookie_message(refusal, presented)) from None
        raise
    return move_to_cookie(caller, granted, is_sign_in=False)


def revoke(caller: Caller, *, refresh_token: str | None) -> int:
    """End the session of a refresh token, and say when; silent about tokens not ours (RFC 7009 §2.2)."""
    sessions.revoke(caller, refresh_token=_presented(caller, refresh_token))
    _forget(caller)
    return int(timezone.now().timestamp())


def verify(caller: Caller, *, token: str | None = None) -> Verified:
    """What an access token says: the argument, or the one that the caller came with."""
    if token is None:
        who = signed_in(caller)
        return Verified(who.user, who.claims)
    try:
        claims = read(token)
    except Expired:
        raise TokenExpired from None
    except Invalid:
        raise TokenInvalid from None
    session = sessions.find(id=claims["sid"], user_id=claims["sub"])
    if session is None:
        raise TokenInvalid
    return Verified(session.user, claims)


def signed_in(caller: Caller) -> SignedIn:
    """The caller as a signed-in one, found out once; refused where the access token will not do."""
    if caller.found is None:
        try:
            caller.found = _recognise(caller)
        except (OperationalError, InterfaceError) as outage:
            # Each field of a request would wait for the database anew.
            caller.found = outage
    if isinstance(caller.found, Exception):
        raise caller.found
    if isinstance(caller.found, Reason):
        raise Unauthenticated(caller.found)
    return caller.found


def session_of(caller: Caller) -> Session | None:
    """Return the live session of the caller's access token, or None."""
    try:
        return signed_in(caller).session
    except Unauthenticated:
        return None


def own_session(caller: Caller, user: User) -> Session | None:
    """Return the caller's live session if it is the user's, and mark it as the current session of `user`."""
    session = session_of(caller)
    if session is None or session.user_id != user.id:
        return None
    user.current_session_id = session.id
    return session


def read(token: str) -> Claims:
    """Return the claims of a valid access token of this gateway; raise Expired or Invalid for any other."""
    # Parsed for each call: claims that a resolver changes are its own.
    claims: Claims = orjson.loads(_signed(token, signing_keys.ring()))
    tokens.check_time(claims, timezone.now().timestamp())
    return claims


def sign(claims: Claims) -> str:
    """The access token of these claims, by the key that signs now."""
    return tokens.sign(claims, signing_keys.ring().current)


def claims_of(session: Session) -> Claims:
    """What an access token says of a session; the same for one generation, however often it is asked."""
    issued = int(session.rotated_at.timestamp())
    until = issued + int(settings.GATEWAY_ACCESS_LIFETIME.total_seconds())
    return {
        "iss": settings.GATEWAY_ISSUER,
        "aud": settings.GATEWAY_AUDIENCE,
        "sub": str(session.user_id),
        "sid": str(session.id),
        "iat": issued,
        "exp": min(until, int(session.absolute_expires_at.timestamp())),
        "jti": str(uuid5(session.id, str(session.generation))),
        "auth_time": int(session.created_at.timestamp()),
        **_profile(session.user),
    }


def payload(given: Grant | Verified) -> Claims:
    """The claims as clients of django-graphql-jwt know them."""
    return given.claims | {"username": given.user.username, "origIat": given.claims["auth_time"]}


def _recognise(caller: Caller) -> SignedIn | Reason:
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
        keeper=caller.keeper,
        user=session.user,
        session=session,
        claims=claims,
    )


def _profile(user: User) -> Claims:
    claims = {name: _claim(user, name) for name in settings.GATEWAY_TOKEN_CLAIMS}
    if "email" in claims:
        # Anyone can register any address, so a service has to see whether this one is verified: under the name of the
        # model, and under the one of OpenID Connect (Core 1.0, section 5.1).
        claims["is_email_verified"] = claims["email_verified"] = user.is_email_verified
    return claims


def _claim(user: User, name: str) -> Any:
    return user.roles() if name == "roles" else getattr(user, name)


def _presented(caller: Caller, refresh_token: str | None) -> str:
    if caller.keeper:
        # Empty is what answers show in its place, so clients may well send that back.
        if refresh_token:
            message = "In cookie mode the refresh token comes in the cookie: omit the argument."
            raise InvalidInput(FieldError("refresh_token", FieldErrorCode.INVALID, message))
        return caller.keeper.take() or ""
    if refresh_token is None:
        raise InvalidInput(FieldError("refresh_token", FieldErrorCode.REQUIRED, "A refresh token is needed."))
    return refresh_token


def _cookie_message(refusal: TokenInvalid | TokenExpired, presented: str) -> str:
    if not presented:
        return 'The refresh token cookie is missing. Sign in first, and send requests with credentials: "include".'
    if isinstance(refusal, TokenExpired):
        return "The refresh token in the cookie has expired."
    return "The refresh token in the cookie is not valid, or is spent."


def _grant(session: Session, refresh_token: str) -> Grant:
    claims = claims_of(session)
    return Grant(
        user=session.user,
        token=sign(claims),
        refresh_token=refresh_token,
        refresh_expires_in=int(session.absolute_expires_at.timestamp()),
        claims=claims,
    )


def _forget(caller: Caller) -> None:
    if caller.keeper:
        caller.keeper.forget()


def _is_unproven(user: User | None, name: str) -> bool:
    # Where addresses must be proven, one that is not names nobody yet: whoever registers an address, and then signs in
    # by it, would be told otherwise whether it was free.
    return bool(_is_proof_required() and user and not user.is_email_verified and "@" in normalization.folded(name))


def _is_proof_required() -> bool:
    required: bool = settings.GATEWAY_EMAIL_VERIFICATION == "required"
    return required


@lru_cache(maxsize=REMEMBERED)
def _signed(token: str, ring: Ring) -> bytes:
    # The claims of a valid token, as JSON. Signature and shape never change, and checking them is most of a request's
    # work. Cached for one ring of keys, so that a withdrawn key takes the tokens it signed with it.
    claims = tokens.read(token, ring.by_kid, issuer=settings.GATEWAY_ISSUER, audience=settings.GATEWAY_AUDIENCE)
    return orjson.dumps(claims)
