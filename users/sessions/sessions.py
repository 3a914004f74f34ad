"""Sessions: created by a sign-in, continued by refresh tokens, and ended by the user or by a reused refresh token."""

from collections.abc import Collection
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from users import authentication_methods, events, pruning
from users.authentication_methods import Factor
from users.caller import Caller, SignedIn
from users.compiled_query import CompiledQuery, parameter
from users.crypto import refresh_tokens
from users.errors import (
    Conflict,
    FieldError,
    FieldErrorCode,
    Forbidden,
    InvalidInput,
    NotFound,
)
from users.events import EventKind
from users.mail import messages, outbox
from users.models import Session, User

# The longest list of sessions that a query returns.
MAX_LISTED = 100
# No spelling of a UUID that Python accepts is longer.
MAX_ID_LENGTH = 45


def create(
    caller: Caller, *, user: User, factors: Collection[Factor] = (), device_name: str = ""
) -> tuple[Session, str]:
    """Create a session of a user; return it and its first refresh token."""
    now = timezone.now()
    token = refresh_tokens.first(uuid4())
    absolute = now + settings.GATEWAY_REFRESH_ABSOLUTE
    session = Session.objects.create(
        user=user,
        selector=token.selector,
        current=token.digest,
        credential_version=user.credential_version,
        methods=authentication_methods.serialize(factors),
        device_name=device_name,
        user_agent=caller.user_agent,
        ip_address=caller.ip_address,
        created_at=now,
        rotated_at=now,
        expires_at=min(now + settings.GATEWAY_REFRESH_IDLE, absolute),
        absolute_expires_at=absolute,
    )
    user.current_session_id = session.id
    return session, str(token)


def find(*, id: str, user_id: str) -> Session | None:
    """Return the live session of an access token with its user, or None. Takes one statement."""
    # Reading the token has checked that both are UUIDs.
    session = _by_id.first(id=id, user_id=user_id, now=timezone.now())
    if session:
        session.user.current_session_id = session.id
    return session


def require_session(user: User) -> User:
    """Return the user; raise Forbidden if no session of theirs is part of the request."""
    if user.current_session_id is None:
        raise Forbidden("This field requires the user's access token.")
    return user


def live_sessions(user: User) -> QuerySet[Session]:
    """Return the live sessions of a user, the most recently used first."""
    # Through the user, so that each session has its user without a statement.
    live = user.sessions.filter(
        ended_at=None, expires_at__gt=timezone.now(), credential_version=user.credential_version
    )
    return live.order_by("-rotated_at", "id")


def list_recent(user: User, *, first: int | None = None) -> list[Session]:
    """Return up to `first` live sessions of a user, the most recently used first."""
    first = MAX_LISTED if first is None else first
    if not 0 <= first <= MAX_LISTED:
        raise InvalidInput(FieldError("first", FieldErrorCode.INVALID, f"Use a number from 0 to {MAX_LISTED}."))
    return list(live_sessions(user)[:first])


def end(caller: SignedIn, *, id: str) -> UUID:
    """End one of the caller's live sessions and return its id."""
    try:
        found = live_sessions(caller.user).filter(id=UUID(id)).first() if len(id) <= MAX_ID_LENGTH else None
    except ValueError:
        found = None
    if found is None or not _end_own(caller, [found.id], reason="ended by the user"):
        raise NotFound
    return found.id


def end_all(caller: SignedIn, *, keep_current: bool = False) -> int:
    """End all live sessions of the caller, or all but the current one, and return how many."""
    with transaction.atomic():
        _lock_user(caller.user)
        return end_all_locked(caller, keep_current=keep_current, reason="ended by the user")


def end_all_locked(caller: SignedIn, *, keep_current: bool = False, reason: str) -> int:
    """Do the same in a transaction that has already locked the user's row."""
    ids = _live_ids(caller.user, keep=caller.session.id if keep_current else None)
    return _end_own(caller, ids, reason=reason) if ids else 0


def end_all_of_user(caller: Caller, *, user: User, reason: str, keep: UUID | None = None) -> int:
    """End all live sessions of a user except `keep`, and return how many. The caller need not be the user."""
    ids = _live_ids(user, keep=keep)
    return _end(caller, user, ids, reason=reason) if ids else 0


def end_reused(caller: Caller, session: Session) -> None:
    """End a session whose refresh token was used twice, and inform its user."""
    user, reason = session.user, "refresh token reused"
    with transaction.atomic():
        _lock_user(user)
        if _end(caller, user, [session.id], kind=EventKind.REFRESH_REUSED, reason=reason):
            outbox.notify(caller, messages.token_reused, user=user, device=session.device_name or session.user_agent)


def end_all_users(*, reason: str) -> int:
    """End the live sessions of all users in one statement, and return how many."""
    ended = Session.objects.filter(ended_at=None).update(ended_at=timezone.now())
    events.audit(Caller(), EventKind.SESSION_ENDED.value, user=None, reason=reason, ended=ended)
    return ended


def keep_after_password_change(session: Session) -> None:
    """Keep a session live after the password was changed in it."""
    Session.objects.filter(id=session.id).update(credential_version=session.credential_version + 1)


def record_authentication(session: Session, factor: Factor) -> None:
    """Store that the user authenticated again in this session; raise Conflict if the session has ended meanwhile."""
    factors = authentication_methods.parse(session.methods)
    # A password replaces the former factors: if `methods` has a second factor, then it was also used at
    # `authenticated_at`.
    kept = factors if factor in authentication_methods.SECOND_FACTORS else ()
    changes = {"methods": authentication_methods.serialize([*kept, factor]), "reauthenticated_at": timezone.now()}
    if not Session.objects.filter(id=session.id, ended_at=None).update(**changes):
        raise Conflict
    for name, value in changes.items():
        setattr(session, name, value)


def revoke(caller: Caller, *, refresh_token: str) -> None:
    """End the session of a refresh token, used or not. An unknown token has no effect."""
    token = refresh_tokens.parse(refresh_token)
    session = Session.objects.select_related("user").filter(selector=token.selector).first() if token else None
    if session:
        _end(caller, session.user, [session.id], reason="signed out")


def count_live() -> int:
    """Return the number of live sessions."""
    return Session.objects.filter(ended_at=None, expires_at__gt=timezone.now()).count()


def prune() -> int:
    """Delete the sessions past their absolute end, and return how many."""
    return pruning.delete(Session.objects.filter(absolute_expires_at__lt=timezone.now()))


def _live_ids(user: User, *, keep: UUID | None) -> list[UUID]:
    return [id for id in live_sessions(user).values_list("id", flat=True) if id != keep]


def _lock_user(user: User) -> None:
    # The user's row before the rows of sessions, as every rule does, so that concurrent changes cannot deadlock.
    User.objects.select_for_update().only("id").filter(id=user.id).first()


def _end_own(caller: SignedIn, ids: list[UUID], *, reason: str) -> int:
    if caller.refresh_cookie and caller.session.id in ids:
        caller.refresh_cookie.clear()
    return _end(caller, caller.user, ids, reason=reason)


def _end(caller: Caller, user: User, ids: list[UUID], *, reason: str, kind: EventKind = EventKind.SESSION_ENDED) -> int:
    ended = Session.objects.filter(id__in=ids, ended_at=None).update(ended_at=timezone.now())
    if ended:
        events.record(caller, kind, user=user, session_id=ids[0] if len(ids) == 1 else None, reason=reason, ended=ended)
    return ended


_by_id = CompiledQuery(
    lambda: Session.objects.filter(
        id=parameter("id", Session.id),
        user_id=parameter("user_id", Session.user),
        ended_at=None,
        expires_at__gt=parameter("now", Session.expires_at),
        user__is_active=True,
        credential_version=F("user__credential_version"),
    ),
    related="user",
)
