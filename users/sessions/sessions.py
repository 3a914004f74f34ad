"""Sessions: opened by a sign-in, carried on by refresh tokens, ended by their owner or by a thief's mistake."""

from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from users import events, pruning, secret_keys
from users.caller import Caller, SignedIn
from users.compiled_query import CompiledQuery, parameter
from users.crypto import refresh
from users.crypto.refresh import RefreshToken
from users.errors import (
    FieldError,
    FieldErrorCode,
    Forbidden,
    InvalidInput,
    NotFound,
    TokenExpired,
    TokenInvalid,
    TokenReused,
)
from users.events import Kind
from users.mail import messages, outbox
from users.models import Session, User

# The longest list of sessions that a query returns.
MOST = 100
# No spelling of a UUID that Python accepts is longer.
MAX_ID_LENGTH = 45


def open(caller: Caller, *, user: User, device_name: str = "") -> tuple[Session, str]:
    """A new session of a user, and the refresh token that it begins with."""
    now = timezone.now()
    token = refresh.first(uuid4())
    absolute = now + settings.GATEWAY_REFRESH_ABSOLUTE
    session = Session.objects.create(
        user=user,
        selector=token.selector,
        current=token.digest,
        credential_version=user.credential_version,
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
    """The live session that an access token names, with its user; one statement."""
    # As they are written: that they are keys was seen when the token was read.
    session = _by_id.first(id=id, user_id=user_id, now=timezone.now())
    if session:
        session.user.current_session_id = session.id
    return session


def shown(user: User) -> User:
    """Return the user; raise Forbidden if no session of theirs is part of the request."""
    if user.current_session_id is None:
        raise Forbidden("This field needs the user's access token.")
    return user


def of(user: User) -> QuerySet[Session]:
    """The live sessions of a user, the most recently used first."""
    # Through the user, so that each session knows it without a look into the database.
    live = user.sessions.filter(
        ended_at=None, expires_at__gt=timezone.now(), credential_version=user.credential_version
    )
    return live.order_by("-rotated_at", "id")


def recent(user: User, *, first: int | None = None) -> list[Session]:
    """Return up to `first` live sessions of a user, the most recently used first."""
    first = MOST if first is None else first
    if not 0 <= first <= MOST:
        raise InvalidInput(FieldError("first", FieldErrorCode.INVALID, f"Ask for 0 to {MOST} sessions."))
    return list(of(user)[:first])


def rotate(caller: Caller, *, refresh_token: str) -> tuple[Session, str]:
    """Exchange a refresh token for its successor; for the same one again within the grace window."""
    token = refresh.parse(refresh_token)
    if token is None:
        raise TokenInvalid
    session = _live(token)
    successor = _advance(caller, session, token)
    if successor is None:
        # Spent: long ago by a thief or the owner, or just now by another tab. Only a fresh look tells.
        session = _live(token)
        successor = _same_again(session, token)
    if successor is None:
        _end_reused(caller, session)
        raise TokenReused
    events.say(caller, "session.refreshed", user=session.user, session_id=session.id, generation=session.generation)
    return session, str(successor)


def end(caller: SignedIn, *, id: str) -> UUID:
    """End one of the caller's live sessions and return its id."""
    try:
        found = of(caller.user).filter(id=UUID(id)).first() if len(id) <= MAX_ID_LENGTH else None
    except ValueError:
        found = None
    if found is None or not _end_own(caller, [found.id], why="ended by the user"):
        raise NotFound
    return found.id


def end_all(caller: SignedIn, *, keep_current: bool = False) -> int:
    """End all live sessions of the caller, or all but this one; how many they were."""
    with transaction.atomic():
        _hold(caller.user)
        return end_all_held(caller, keep_current=keep_current, why="ended by the user")


def end_all_held(caller: SignedIn, *, keep_current: bool = False, why: str) -> int:
    """The same in a transaction that has changed the user's row already."""
    ids = _live_ids(caller.user, keep=caller.session.id if keep_current else None)
    return _end_own(caller, ids, why=why) if ids else 0


def end_all_of(caller: Caller, *, user: User, why: str, keep: UUID | None = None) -> int:
    """End all live sessions of a user, whoever brought it about, but the one to keep; how many they were."""
    ids = _live_ids(user, keep=keep)
    return _end(caller, user, ids, why=why) if ids else 0


def end_everyones(*, why: str) -> int:
    """End the live sessions of all users, in one statement; how many they were."""
    ended = Session.objects.filter(ended_at=None).update(ended_at=timezone.now())
    events.say(Caller(), Kind.SESSION_ENDED.value, user=None, why=why, ended=ended)
    return ended


def carry_over(session: Session) -> None:
    """Keep a session alive past the change of password that was made in it."""
    Session.objects.filter(id=session.id).update(credential_version=session.credential_version + 1)


def revoke(caller: Caller, *, refresh_token: str) -> None:
    """End the session of a refresh token, whether or not it was spent; nothing where there is none."""
    token = refresh.parse(refresh_token)
    session = Session.objects.select_related("user").filter(selector=token.selector).first() if token else None
    if session:
        _end(caller, session.user, [session.id], why="signed out")


def count_live() -> int:
    """How many sessions have neither ended nor expired."""
    return Session.objects.filter(ended_at=None, expires_at__gt=timezone.now()).count()


def prune() -> int:
    """Delete sessions past their absolute end; how many there were."""
    return pruning.delete(Session.objects.filter(absolute_expires_at__lt=timezone.now()))


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
    # Compare-and-swap: of many requests with the same token one wins, on every database, without a lock.
    unspent = Session.objects.filter(id=session.id, current=token.digest, ended_at=None, expires_at__gt=now)
    if not unspent.update(**change):
        return None
    for name, value in change.items():
        setattr(session, name, value)
    return successor


def _same_again(session: Session, token: RefreshToken) -> RefreshToken | None:
    # Never below zero: with the clock set back, a spent token is young, not from the future.
    age = max(timezone.now() - session.rotated_at, timedelta())
    if token.digest != session.previous or age > settings.GATEWAY_REFRESH_GRACE:
        return None
    candidates = (token.successor(key, session.id, session.generation) for key in _server_keys())
    return next((each for each in candidates if each.digest == session.current), None)


def _live_ids(user: User, *, keep: UUID | None) -> list[UUID]:
    return [id for id in of(user).values_list("id", flat=True) if id != keep]


def _end_reused(caller: Caller, session: Session) -> None:
    user, why = session.user, "a spent refresh token came back"
    with transaction.atomic():
        _hold(user)
        if _end(caller, user, [session.id], kind=Kind.REFRESH_REUSED, why=why):
            outbox.notify(caller, messages.token_reused, user=user, device=session.device_name or session.user_agent)


def _hold(user: User) -> None:
    # Before the sessions' rows, in the order of whoever changes the account at this moment.
    User.objects.select_for_update().only("id").filter(id=user.id).first()


def _end_own(caller: SignedIn, ids: list[UUID], *, why: str) -> int:
    if caller.keeper and caller.session.id in ids:
        caller.keeper.forget()
    return _end(caller, caller.user, ids, why=why)


def _end(caller: Caller, user: User, ids: list[UUID], *, why: str, kind: Kind = Kind.SESSION_ENDED) -> int:
    ended = Session.objects.filter(id__in=ids, ended_at=None).update(ended_at=timezone.now())
    if ended:
        events.record(caller, kind, user=user, session_id=ids[0] if len(ids) == 1 else None, why=why, ended=ended)
    return ended


def _server_keys() -> list[bytes]:
    return secret_keys.keys("gateway.refresh")


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
_by_selector = CompiledQuery(
    lambda: Session.objects.filter(selector=parameter("selector", Session.selector)), related="user"
)
