"""Events of accounts: stored in a table for their owners, and written to the audit log once they are committed."""

import base64
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from users import log_context, metrics, pruning
from users.caller import Caller
from users.errors import FieldError, FieldErrorCode, InvalidInput
from users.models import Event, User

USUAL, MOST = 20, 100
MAX_CURSOR_LENGTH = 200
log = logging.getLogger("gateway.audit")


class Kind(Enum):
    """What is recorded; the value is what the table keeps."""

    description: str

    ACCOUNT_REGISTERED = "account.registered", "The account was made."
    REGISTRATION_REPEATED = "registration.repeated", "Somebody meant to make an account with the account's address."
    ACCOUNT_CLOSED = "account.closed", "The user closed the account; it is erased after a while."
    ACCOUNT_REOPENED = "account.reopened", "The user came back before the account was erased."
    ACCOUNT_ERASED = "account.erased", "The account was erased for good."
    ACCOUNT_ADMINISTERED = "account.administered", "Somebody of the staff changed the account."
    PROFILE_CHANGED = "profile.changed", "The user described themselves anew."
    SIGNED_IN = "session.opened", "Somebody signed in with the password."
    SIGN_IN_REFUSED = "sign_in.refused", "Somebody tried to sign in with a wrong password."
    ATTEMPTS_THROTTLED = "attempts.throttled", "Somebody tried too often and was told to wait."
    REFRESH_REUSED = "refresh.reused", "A spent refresh token came back; its session was ended."
    SESSION_ENDED = "session.ended", "One or more sessions were ended."
    PASSWORD_CHANGED = "password.changed", "The password was changed."
    PASSWORD_REFUSED = "password.refused", "Somebody signed in gave a wrong password where the user's own was asked."
    PASSWORD_RESET_REQUESTED = "password.reset_requested", "A mail was asked for, to choose a new password by."
    PASSWORD_RESET = "password.reset", "The password was replaced by the one who reads the account's mail."
    EMAIL_VERIFICATION_REQUESTED = "email.verification_requested", "A mail was asked for, to prove the address by."
    EMAIL_VERIFIED = "email.verified", "The address was proven to be the user's."
    EMAIL_CHANGE_REQUESTED = "email.change_requested", "The user asked for another address; it is to be proven."
    EMAIL_CHANGED = "email.changed", "Another address took the place of the former one."
    EMAIL_CHANGE_UNDONE = "email.change_undone", "The former address was given back."

    def __new__(cls, value: str, description: str) -> "Kind":
        kind = object.__new__(cls)
        kind._value_ = value
        kind.description = description
        return kind


@dataclass(frozen=True, slots=True)
class Page:
    """A run of events, newest first, and whether older ones follow."""

    events: list[Event]
    has_more: bool


def record(caller: Caller, kind: Kind, *, user: User | None, session_id: UUID | None = None, **facts: Any) -> Event:
    """Store an event, and write it to the audit log when the transaction commits."""
    event = Event.objects.create(
        user=user,
        session_id=session_id,
        kind=kind.value,
        at=timezone.now(),
        ip_address=caller.ip_address,
        user_agent=caller.user_agent,
        facts=facts,
    )
    # The audit log reports only what was committed.
    transaction.on_commit(lambda: say(caller, kind.value, user=user, session_id=session_id, **facts))
    return event


def record_reopening(caller: Caller, *, user: User) -> None:
    """Keep that an account which is to be erased is not any more, where its user had closed it."""
    # One that only waits to be proven is to be erased as well, and was never closed.
    if user.erases_at and Event.objects.filter(user=user, kind=Kind.ACCOUNT_CLOSED.value).exists():
        record(caller, Kind.ACCOUNT_REOPENED, user=user)


def say(caller: Caller, what: str, /, *, user: User | None, session_id: UUID | None = None, **facts: Any) -> None:
    """Say to the log that something happened; alone, for what is too frequent to keep."""
    metrics.events.labels(what).inc()
    line = {
        "event": what,
        "at": timezone.now().isoformat(),
        "user": str(user.id) if user else None,
        "session": str(session_id) if session_id else None,
        "ip": caller.ip_address,
        "agent": caller.user_agent,
        **log_context.fields(),
        **facts,
    }
    log.info(log_context.json_line(line))


def of(user: User, *, first: int | None, after: str | None) -> Page:
    """A user's events after a cursor; the cost of a page does not grow with the table."""
    first = USUAL if first is None else first
    if not 0 <= first <= MOST:
        raise InvalidInput(FieldError("first", FieldErrorCode.INVALID, f"A page has 0 to {MOST} events."))
    found = Event.objects.filter(user=user).order_by("-at", "-id")
    if after:
        at, id = _place(after)
        found = found.filter(at__lte=at).filter(Q(at__lt=at) | Q(id__lt=id))
    events = list(found[: first + 1])
    return Page(events[:first], has_more=len(events) > first)


def kind_of(event: Event) -> Kind:
    """What kind of event a row keeps."""
    return Kind(event.kind)  # type: ignore[call-arg]


def cursor(event: Event) -> str:
    """Where an event stands in the order, for `of` to go on after."""
    return base64.urlsafe_b64encode(f"{event.at.isoformat()} {event.id}".encode()).decode()


def anonymise(user: User) -> None:
    """Keep that a user's events happened, and nothing by which to tell whose they were."""
    Event.objects.filter(user=user).update(user=None, session_id=None, ip_address=None, user_agent="", facts={})


def prune() -> int:
    """Delete what is older than `GATEWAY_EVENTS_KEPT`; how many there were."""
    return pruning.delete(Event.objects.filter(at__lt=timezone.now() - settings.GATEWAY_EVENTS_KEPT))


def _place(after: str) -> tuple[datetime, UUID]:
    try:
        if len(after) > MAX_CURSOR_LENGTH:
            raise ValueError
        at, _, id = base64.urlsafe_b64decode(after).decode().partition(" ")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError
        # Here, since the first and the last day of all have moments that UTC cannot say.
        return moment.astimezone(UTC), UUID(id)
    except (ValueError, OverflowError):
        message = "This is not a cursor that `pageInfo` or an edge gave."
        raise InvalidInput(FieldError("after", FieldErrorCode.INVALID, message)) from None
