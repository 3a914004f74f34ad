"""Password changes: by the signed-in user, or with a mailed reset token."""

from typing import Any

from django.db import IntegrityError, transaction

from users import events, lookup, throttle
from users.caller import Caller, SignedIn
from users.errors import Conflict, FieldErrorCode, FieldErrors, TokenInvalid
from users.events import EventKind
from users.mail import email_tokens, messages, outbox
from users.mail.email_tokens import Purpose
from users.mfa import reauthentication
from users.models import User
from users.passwords import hashing, policy, verification
from users.sessions import access_tokens, sessions


def change(caller: SignedIn, *, old_password: str, new_password: str) -> int:
    """Replace the caller's password, end all other sessions, and return how many ended."""
    user, session = caller.user, caller.session
    reauthentication.require_recent_second_factor(caller)
    errors = FieldErrors()
    policy.validate(errors, "new_password", new_password, user=user)
    if policy.normalize(new_password) == policy.normalize(old_password):
        errors.add("new_password", FieldErrorCode.PASSWORD_UNCHANGED)
    errors.raise_if_any()
    verification.check_own_password(caller, old_password, field="oldPassword")
    encoded = hashing.hash_password(caller, new_password, account=str(user.id))
    with transaction.atomic():
        if not _replace(user, encoded):
            raise Conflict
        ended = sessions.end_all_locked(caller, keep_current=True, reason="password changed")
        sessions.keep_after_password_change(session)
        events.record(caller, EventKind.PASSWORD_CHANGED, user=user, session_id=session.id)
        outbox.notify(caller, messages.password_changed, user=user)
    # The rest of the answer may list the sessions of the new version.
    user.credential_version += 1
    if caller.refresh_cookie:
        caller.refresh_cookie.remember_user(user)
    return ended


def request_reset(caller: Caller, *, email: str) -> None:
    """Send a reset mail to the owner of the email. The answer does not reveal whether there is one."""
    address = outbox.accept_request(caller, email, purpose="reset")
    capped = outbox.is_capped(address, purpose="reset")
    user = lookup.find_by_login(address)
    with transaction.atomic():
        events.record(caller, EventKind.PASSWORD_RESET_REQUESTED, user=user)
        outbox.queue(caller, messages.reset_password, user=None, address=address, capped=capped)


def reset(caller: Caller, *, token: str, new_password: str, email: str | None = None) -> tuple[User, int]:
    """Replace the password of the account of a reset token, and end all its sessions; return the user and how many."""
    email_token = email_tokens.find(caller, Purpose.RESET, token=token, email=email)
    user, errors = email_token.user, FieldErrors()
    # A refused password does not use up the token.
    policy.validate(errors, "new_password", new_password, user=user)
    errors.raise_if_any()
    encoded = hashing.hash_password(caller, new_password, account=str(user.id))
    access_tokens.own_session(caller, user)
    with transaction.atomic():
        # The token came by mail, so it verifies the email as well.
        verified = {} if user.is_email_verified else {"is_email_verified": True, "erases_at": None}
        others = email_tokens.lock_claims(user, user.email)
        if not _replace(user, encoded, **verified):
            raise TokenInvalid
        email_tokens.redeem(email_token)
        email_tokens.void_claims(user, user.email, others)
        ended = sessions.end_all_of_user(caller, user=user, reason="password reset")
        events.record(caller, EventKind.PASSWORD_RESET, user=user)
        if verified:
            events.record(caller, EventKind.EMAIL_VERIFIED, user=user)
            events.record_reopening(caller, user=user)
            user.is_email_verified = True
        outbox.notify(caller, messages.password_changed, user=user)
    # The rest of the answer may list the sessions of the new version.
    user.credential_version += 1
    throttle.reset_sign_ins(caller, user=user)
    return user, ended


def _replace(user: User, encoded: str, **changes: Any) -> bool:
    # Compare-and-swap: of several concurrent changes one wins, and none if the email has changed.
    unchanged = User.objects.filter(
        id=user.id, credential_version=user.credential_version, email=user.email, is_active=True
    )
    try:
        with transaction.atomic():
            return bool(unchanged.update(password=encoded, credential_version=user.credential_version + 1, **changes))
    except IntegrityError:
        raise Conflict("Another account uses this email.") from None
