"""Account deletion: an account is closed first, and erased after a grace period."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from users import events
from users.caller import Caller, SignedIn
from users.errors import Conflict, FieldErrors
from users.events import EventKind
from users.mail import email_tokens, messages, outbox
from users.mfa import reauthentication
from users.models import User
from users.sessions import sessions


def close(caller: SignedIn, *, password: str | None = None) -> datetime:
    """Close the caller's account, end all its sessions, and return when it will be erased."""
    user = caller.user
    reauthentication.confirm(caller, FieldErrors(), password)
    erases_at = timezone.now() + settings.GATEWAY_ERASE_AFTER
    with transaction.atomic():
        unchanged = User.objects.filter(id=user.id, credential_version=user.credential_version, is_active=True)
        if not unchanged.update(erases_at=erases_at):
            raise Conflict
        email_tokens.revoke(user)
        sessions.end_all_locked(caller, reason="account closed")
        events.record(caller, EventKind.ACCOUNT_CLOSED, user=user, session_id=caller.session.id)
        outbox.notify(caller, messages.account_closed, user=user, erases_at=erases_at.isoformat())
    return erases_at


def prune() -> int:
    """Erase the accounts whose grace period is over, and return how many."""
    due = User.objects.filter(erases_at__lte=timezone.now())
    return sum(_erase(id) for id in list(due.values_list("id", flat=True)))


def _erase(id: UUID) -> int:
    with transaction.atomic():
        # Locked: a concurrent sign-in either restores the account before this, or finds no account.
        user = User.objects.select_for_update().filter(id=id, erases_at__lte=timezone.now()).first()
        if user is None:
            return 0
        events.anonymise(user)
        events.record(Caller(), EventKind.ACCOUNT_ERASED, user=None)
        user.delete()
    return 1
