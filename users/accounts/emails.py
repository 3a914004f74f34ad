"""Emails: verified by a mailed token, changed only to a verified one, and restored if a change was not wanted."""

from copy import copy
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from users import events, lookup, normalization, throttle
from users.caller import Caller, SignedIn
from users.errors import Conflict, FieldErrorCode, FieldErrors, TokenInvalid
from users.events import EventKind
from users.mail import email_tokens, messages, outbox
from users.mail.email_tokens import Purpose
from users.mfa import factors, reauthentication
from users.models import EmailToken, User
from users.sessions import access_tokens, sessions


def request_verification(caller: Caller, *, email: str, username: str | None = None) -> None:
    """Send a verification mail for the account with this username, or for all accounts that claim the email.

    The answer does not reveal whether there is such an account.
    """
    errors = FieldErrors()
    name = errors.clean("username", normalization.username, username) if username is not None else ""
    errors.raise_if_any()
    address = outbox.accept_request(caller, email, purpose="verify")
    capped = outbox.is_capped(address, purpose="verify")
    user = lookup.find_by_login(name or address)
    if user and user.email_key != address.lower():
        user = None
    with transaction.atomic():
        events.record(caller, EventKind.EMAIL_VERIFICATION_REQUESTED, user=user)
        outbox.queue(caller, messages.verify_email, user=None, address=address, username=name, capped=capped)


def verify(caller: Caller, *, token: str, email: str | None = None) -> User:
    """Mark the email of a mailed token as verified, replace a former email by it, and return the user.

    Of several accounts that claim an email, the first to verify it owns it; the others lose it.
    """
    email_token = email_tokens.find(caller, Purpose.VERIFY, token=token, email=email)
    user, former = email_token.user, copy(email_token.user)
    session = access_tokens.own_session(caller, user)
    with transaction.atomic():
        others = email_tokens.lock_claims(user, email_token.address)
        _set_verified_email(user, email_token)
        email_tokens.redeem(email_token)
        email_tokens.void_claims(user, email_token.address, others)
        if former.email_key != email_token.address_key:
            events.record(caller, EventKind.EMAIL_CHANGED, user=user)
            _notify_former_email(caller, user, former)
        elif not former.is_email_verified:
            events.record(caller, EventKind.EMAIL_VERIFIED, user=user)
        if not former.is_email_verified:
            events.record_reopening(caller, user=former)
            # The person who registered the account may not be the one who reads its mail: only the session that
            # brings the mailed token continues.
            keep = session.id if session else None
            sessions.end_all_of_user(caller, user=user, reason="email verified", keep=keep)
    if not former.is_email_verified:
        throttle.reset_sign_ins(caller, user=user)
    return user


def change(caller: SignedIn, *, new_email: str, password: str | None = None) -> None:
    """Send a mail to the new email, which becomes the caller's once it is verified."""
    user, errors = caller.user, FieldErrors()
    address = errors.clean("new_email", normalization.email, new_email)
    if address == user.email and user.is_email_verified:
        errors.add("new_email", FieldErrorCode.INVALID, "This is already the email of the account.")
    reauthentication.confirm(caller, errors, password)
    outbox.accept_request(caller, address, purpose="verify")
    account = {"email": user.email, "credential_version": user.credential_version}
    capped = outbox.is_capped(address, purpose="verify")
    with transaction.atomic():
        events.record(caller, EventKind.EMAIL_CHANGE_REQUESTED, user=user, session_id=caller.session.id)
        outbox.queue(caller, messages.verify_new_email, user=user, address=address, capped=capped, **account)


def undo_change(caller: Caller, *, token: str, needs_session: bool = False) -> tuple[User, int]:
    """Restore the former email, disable the password, end all sessions; return the user and how many ended.

    With `needs_session`, raise Forbidden before anything changes unless the caller is signed in as this user.
    """
    email_token = email_tokens.find(caller, Purpose.UNDO, token=token)
    user, former = email_token.user, copy(email_token.user)
    access_tokens.own_session(caller, user)
    if needs_session:
        sessions.require_session(user)
    with transaction.atomic():
        # The rows of users before any others, as every rule locks them.
        others = email_tokens.lock_claims(user, email_token.address)
        _restore_email(user, email_token)
        email_tokens.redeem(email_token)
        email_tokens.void_claims(user, email_token.address, others)
        # Tokens that were mailed since may be in the hands of the person who changed the email.
        email_tokens.revoke(user, since=email_token)
        factors.delete_since(caller, user, email_token.created_at)
        ended = sessions.end_all_of_user(caller, user=former, reason="change of email undone")
        events.record(caller, EventKind.EMAIL_CHANGE_UNDONE, user=user)
        events.record_reopening(caller, user=former)
        outbox.queue(caller, messages.reset_password, user=None, address=email_token.address)
        outbox.queue(caller, messages.email_change_undone, user=user, address=former.email)
    return user, ended


def _set_verified_email(user: User, email_token: EmailToken) -> None:
    unchanged = User.objects.filter(
        id=user.id, email=email_token.email, credential_version=email_token.credential_version, is_active=True
    )
    changes = {} if user.is_email_verified else {"erases_at": None}
    if not _update(unchanged, email=email_token.address, is_email_verified=True, **changes):
        raise TokenInvalid
    user.email, user.is_email_verified = email_token.address, True


def _restore_email(user: User, email_token: EmailToken) -> None:
    # The person who changed the email knew the password, so it is disabled. A mail lets the owner choose another.
    user.email, user.is_email_verified, user.erases_at = email_token.address, True, None
    user.set_password(None)
    fields = ("email", "is_email_verified", "erases_at", "password", "credential_version")
    unchanged = User.objects.filter(id=user.id, credential_version=user.credential_version - 1, is_active=True)
    if not _update(unchanged, **{name: getattr(user, name) for name in fields}):
        raise Conflict


def _update(users: QuerySet[User], **changes: Any) -> int:
    try:
        with transaction.atomic():
            return users.update(**changes)
    except IntegrityError:
        raise Conflict("Another account uses this email.") from None


def _notify_former_email(caller: Caller, user: User, former: User) -> None:
    # An unverified email may be a stranger's, who must not be able to take the account.
    held = email_tokens.hold_email(user, address=former.email) if former.is_email_verified else None
    if held or throttle.try_consume(outbox.unrequested_buckets(former.email)):
        facts = {"held": str(held) if held else None}
        outbox.queue(caller, messages.email_changed, user=user, address=former.email, **facts)
