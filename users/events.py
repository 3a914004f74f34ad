"""Events of accounts: stored for their users, and written to the audit log once they are committed."""

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

DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 20, 100
MAX_CURSOR_LENGTH = 200
log = logging.getLogger("gateway.audit")


class EventKind(Enum):
    """The kind of an event. Clients should ignore kinds that they do not recognise."""

    description: str

    ACCOUNT_REGISTERED = "account.registered", "The account was created."
    REGISTRATION_REPEATED = "registration.repeated", "Another registration used the account's email."
    ACCOUNT_CLOSED = "account.closed", "The user closed the account. It is erased after a grace period."
    ACCOUNT_REOPENED = "account.reopened", "The user restored the closed account by signing in."
    ACCOUNT_ERASED = "account.erased", "The account was erased permanently."
    ACCOUNT_ADMINISTERED = "account.administered", "A staff member changed the account."
    PROFILE_CHANGED = "profile.changed", "The user changed the profile."
    SIGNED_IN = "session.opened", "A client signed in with the password."
    SIGN_IN_REFUSED = "sign_in.refused", "A sign-in failed because the password was wrong."
    ATTEMPTS_THROTTLED = "attempts.throttled", "A rate limit refused further attempts."
    REFRESH_REUSED = "refresh.reused", "A refresh token was used twice, so its session was ended."
    SESSION_ENDED = "session.ended", "One or more sessions ended."
    PASSWORD_CHANGED = "password.changed", "The password was changed."
    PASSWORD_REFUSED = "password.refused", "A signed-in client gave a wrong password to confirm a change."
    PASSWORD_RESET_REQUESTED = "password.reset_requested", "A password reset was requested."
    PASSWORD_RESET = "password.reset", "The password was reset with a mailed token."
    PASSKEY_ADDED = "passkey.added", "The user added a passkey."
    PASSKEY_REMOVED = "passkey.removed", "A passkey was removed."
    PASSKEY_REFUSED = "passkey.refused", "A passkey was refused because its counter did not grow: it may be a copy."
    EMAIL_VERIFICATION_REQUESTED = "email.verification_requested", "A mail to verify the email was requested."
    EMAIL_VERIFIED = "email.verified", "The email was verified."
    EMAIL_CHANGE_REQUESTED = (
        "email.change_requested",
        "The user requested a change of the email, which must be verified first.",
    )
    EMAIL_CHANGED = "email.changed", "The email was changed."
    EMAIL_CHANGE_UNDONE = "email.change_undone", "The change of the email was undone."

    SECOND_FACTOR_REQUESTED = "second_factor.requested", "A sign-in passed the first step."
    SECOND_FACTOR_REFUSED = "second_factor.refused", "A sign-in failed at the second step because the code was wrong."
    TWO_FACTOR_ENABLED = "two_factor.enabled", "Two-factor authentication was turned on."
    TWO_FACTOR_DISABLED = "two_factor.disabled", "Two-factor authentication was turned off."
    TOTP_ADDED = "totp.added", "An authenticator app was added, or replaced the former one."
    TOTP_REMOVED = "totp.removed", "The authenticator app was removed."
    RECOVERY_CODES_REGENERATED = "recovery_codes.regenerated", "New recovery codes replaced the former ones."
    RECOVERY_CODE_USED = "recovery_code.used", "A recovery code was used in place of a second factor."
    REAUTHENTICATED = "session.reauthenticated", "The user authenticated again in a session."
    REAUTHENTICATION_REFUSED = (
        "reauthentication.refused",
        "A signed-in client gave a wrong password or code to authenticate again.",
    )
    SECOND_FACTORS_RESET = "second_factors.reset", "A staff member or the operator removed all second factors."

    def __new__(cls, value: str, description: str) -> "EventKind":
        kind = object.__new__(cls)
        kind._value_ = value
        kind.description = description
        return kind


@dataclass(frozen=True, slots=True)
class Page:
    """A page of events, newest first, and whether older events follow."""

    events: list[Event]
    has_more: bool


def record(
    caller: Caller, kind: EventKind, *, user: User | None, session_id: UUID | None = None, **facts: Any
) -> Event:
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
    transaction.on_commit(lambda: audit(caller, kind.value, user=user, session_id=session_id, **facts))
    return event


def record_reopening(caller: Caller, *, user: User) -> None:
    """Record that the user restored an account that was closed."""
    # An account with an unverified email also has `erases_at`, but was never closed.
    if user.erases_at and Event.objects.filter(user=user, kind=EventKind.ACCOUNT_CLOSED.value).exists():
        record(caller, EventKind.ACCOUNT_REOPENED, user=user)


def audit(caller: Caller, kind: str, /, *, user: User | None, session_id: UUID | None = None, **facts: Any) -> None:
    """Write an event to the audit log without storing it, for events that are too frequent to store."""
    metrics.events.labels(kind).inc()
    line = {
        "event": kind,
        "at": timezone.now().isoformat(),
        "user": str(user.id) if user else None,
        "session": str(session_id) if session_id else None,
        "ip": caller.ip_address,
        "agent": caller.user_agent,
        **log_context.fields(),
        **facts,
    }
    log.info(log_context.json_line(line))


def page(user: User, *, first: int | None, after: str | None) -> Page:
    """Return a page of the user's events after a cursor. Its cost does not grow with the table."""
    first = DEFAULT_PAGE_SIZE if first is None else first
    if not 0 <= first <= MAX_PAGE_SIZE:
        raise InvalidInput(FieldError("first", FieldErrorCode.INVALID, f"Use a number from 0 to {MAX_PAGE_SIZE}."))
    found = Event.objects.filter(user=user).order_by("-at", "-id")
    if after:
        at, id = _parse_cursor(after)
        found = found.filter(at__lte=at).filter(Q(at__lt=at) | Q(id__lt=id))
    events = list(found[: first + 1])
    return Page(events[:first], has_more=len(events) > first)


def kind_of(event: Event) -> EventKind:
    """Return the kind of a stored event."""
    return EventKind(event.kind)  # type: ignore[call-arg]


def cursor(event: Event) -> str:
    """Return the cursor of an event, for the `after` argument of `page`."""
    return base64.urlsafe_b64encode(f"{event.at.isoformat()} {event.id}".encode()).decode()


def anonymise(user: User) -> None:
    """Remove everything from a user's events that identifies the user."""
    Event.objects.filter(user=user).update(user=None, session_id=None, ip_address=None, user_agent="", facts={})


def prune() -> int:
    """Delete events older than `GATEWAY_EVENTS_KEPT`, and return how many."""
    return pruning.delete(Event.objects.filter(at__lt=timezone.now() - settings.GATEWAY_EVENTS_KEPT))


def _parse_cursor(after: str) -> tuple[datetime, UUID]:
    try:
        if len(after) > MAX_CURSOR_LENGTH:
            raise ValueError
        at, _, id = base64.urlsafe_b64decode(after).decode().partition(" ")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError
        # Inside `try`: the first and last days that datetime supports overflow in UTC.
        return moment.astimezone(UTC), UUID(id)
    except (ValueError, OverflowError):
        message = "This is not a cursor. Use `pageInfo.endCursor` of the previous page."
        raise InvalidInput(FieldError("after", FieldErrorCode.INVALID, message)) from None
