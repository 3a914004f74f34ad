"""Rotation of refresh tokens: each use replaces the token, and a reused token ends the session."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from users import events, secret_keys
from users.caller import Caller
from users.compiled_query import CompiledQuery, parameter
from users.crypto import refresh_tokens
from users.crypto.refresh_tokens import RefreshToken
from users.errors import TokenExpired, TokenInvalid, TokenReused
from users.models import Session
from users.sessions import sessions


def rotate(caller: Caller, *, refresh_token: str) -> tuple[Session, str]:
    """Exchange a refresh token for its successor. Within the grace window, a used token gets the same one again."""
    token = refresh_tokens.parse(refresh_token)
    if token is None:
        raise TokenInvalid
    session = _live(token)
    successor = _advance(caller, session, token)
    if successor is None:
        # Already used: a moment ago by another tab, or by a thief or the owner. Read the session again to find out.
        session = _live(token)
        successor = _repeat(session, token)
    if successor is None:
        sessions.end_reused(caller, session)
        raise TokenReused
    events.audit(caller, "session.refreshed", user=session.user, session_id=session.id, generation=session.generation)
    return session, str(successor)


def _live(token: RefreshToken) -> Session:
    session = _by_selector.first(selector=token.selector)
    if session is None or session.ended_at or not session.user.is_active:
        raise TokenInvalid
    if session.credential_version != session.user.credential_version:
        raise TokenInvalid
    if session.expires_at <= timezone.now():
        raise TokenExpired
    session.user.current_session_id = session.id
    return session


def _advance(caller: Caller, session: Session, token: RefreshToken) -> RefreshToken | None:
    if token.digest != session.current:
        return None
    now = timezone.now()
    successor = token.successor(_server_keys()[0], session.id, session.generation + 1)
    change = {
        "current": successor.digest,
        "previous": token.digest,
        "generation": session.generation + 1,
        "rotated_at": now,
        "expires_at": min(now + settings.GATEWAY_REFRESH_IDLE, session.absolute_expires_at),
        "ip_address": caller.ip_address,
        "user_agent": caller.user_agent,
    }
    if session.reauthenticated_at and session.reauthenticated_at > now:
        # The clock was set back. An access token from the future would be refused.
        change["reauthenticated_at"] = now
    # Compare-and-swap: of several requests with the same token one wins, on every database, without a lock.
    unused = Session.objects.filter(id=session.id, current=token.digest, ended_at=None, expires_at__gt=now)
    if not unused.update(**change):
        return None
    for name, value in change.items():
        setattr(session, name, value)
    return successor


def _repeat(session: Session, token: RefreshToken) -> RefreshToken | None:
    # Never below zero, even if the clock was set back.
    age = max(timezone.now() - session.rotated_at, timedelta())
    if token.digest != session.previous or age > settings.GATEWAY_REFRESH_GRACE:
        return None
    candidates = (token.successor(key, session.id, session.generation) for key in _server_keys())
    return next((each for each in candidates if each.digest == session.current), None)


def _server_keys() -> list[bytes]:
    return secret_keys.keys("gateway.refresh")


_by_selector = CompiledQuery(
    lambda: Session.objects.filter(selector=parameter("selector", Session.selector)), related="user"
)
