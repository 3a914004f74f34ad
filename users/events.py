"""What happened to accounts: recorded where it happens, outside any transaction that a refusal rolls back."""

from enum import Enum
from typing import Any
from uuid import UUID

from django.utils import timezone

from users.caller import Caller
from users.models import Event, User


class Kind(Enum):
    """What is recorded; the value is what the table keeps."""

    ACCOUNT_REGISTERED = "account.registered"
    PROFILE_CHANGED = "profile.changed"
    SIGNED_IN = "account.signed_in"
    SIGN_IN_REFUSED = "sign_in.refused"
    REFRESH_REUSED = "refresh.reused"
    SESSION_ENDED = "session.ended"
    PASSWORD_CHANGED = "password.changed"
    PASSWORD_REFUSED = "password.refused"


def record(caller: Caller, kind: Kind, *, user: User | None, session_id: UUID | None = None, **facts: Any) -> Event:
    """Keep that something happened: who, when, from where, in which session."""
    return Event.objects.create(
        user=user,
        session_id=session_id,
        kind=kind.value,
        at=timezone.now(),
        ip_address=caller.ip_address,
        user_agent=caller.user_agent,
        facts=facts,
    )
