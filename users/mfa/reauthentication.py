"""Reauthentication: authenticating again, in the same session, before a change that a stolen session must not make.

An authentication is recent for `GATEWAY_REAUTHENTICATION_LIFETIME`, also the one of the sign-in. With two-factor
authentication, it must contain a second factor: the password alone is not enough.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from users import authentication_methods, events, throttle
from users.authentication_methods import AuthenticationMethod, Factor
from users.caller import SignedIn
from users.crypto.access_tokens import Claims
from users.errors import (
    FieldError,
    FieldErrorCode,
    FieldErrors,
    InvalidCredentials,
    InvalidInput,
    ReauthenticationRequired,
)
from users.events import EventKind
from users.mfa import factors, passkeys
from users.mfa.passkey_ceremonies import Purpose
from users.models import Session, User
from users.passwords import verification
from users.sessions import access_tokens, sessions


@dataclass(frozen=True, slots=True)
class Reauthentication:
    """A new access token of the session, and until when its authentication is recent."""

    token: str
    claims: Claims
    reauthenticated_until: datetime


def reauthenticate(
    caller: SignedIn, *, password: str | None = None, code: str | None = None, passkey: Any = None
) -> Reauthentication:
    """Check the password, a code or a passkey of the caller, and return a new access token for the same session."""
    given = [each for each in (password, code, passkey) if each is not None]
    if len(given) != 1:
        kind = FieldErrorCode.INVALID if given else FieldErrorCode.REQUIRED
        raise InvalidInput(FieldError("code", kind, "Pass exactly one of password, code and passkey."))
    if passkey is not None:
        # Limited per client, by `passkeys`: it cannot be guessed.
        subject = str(caller.session.id)
        used = passkeys.verify(caller, passkey, Purpose.REAUTHENTICATE, subject=subject, user=caller.user)
        return accept(caller, passkeys.factor_of(used))
    if password is not None and caller.user.two_factor_since:
        raise _refusal(caller.user, needs_second_factor=True)
    attempt = throttle.consume_own(caller, "reauthenticate", user=caller.user)
    with attempt.refund_on_outage():
        done = _check_password(caller, password) if password is not None else _check_code(caller, code or "")
    if done is None:
        events.record(caller, EventKind.REAUTHENTICATION_REFUSED, user=caller.user, session_id=caller.session.id)
        field = "password" if code is None else "code"
        raise InvalidCredentials(f"The {field} is wrong.", field=field)
    attempt.reset()
    return done


def accept(caller: SignedIn, factor: Factor) -> Reauthentication:
    """Store that the caller has authenticated with this factor, and return a new access token."""
    with transaction.atomic():
        sessions.record_authentication(caller.session, factor)
        method = factor.method.name
        events.record(caller, EventKind.REAUTHENTICATED, user=caller.user, session_id=caller.session.id, method=method)
        factors.notify_if_recovery_code(caller, caller.user, factor)
    claims = access_tokens.claims_of(caller.session)
    until = caller.session.authenticated_at + settings.GATEWAY_REAUTHENTICATION_LIFETIME
    return Reauthentication(access_tokens.sign(claims), claims, until)


def recent_until(session: Session, user: User, *, needs_second_factor: bool = False) -> datetime | None:
    """Return until when the session's authentication is recent; None if it is not."""
    proven = authentication_methods.parse(session.methods)
    if needs_second_factor or user.two_factor_since:
        is_strong = authentication_methods.has_second_factor(proven)
    else:
        is_strong = bool(proven)
    until = session.authenticated_at + settings.GATEWAY_REAUTHENTICATION_LIFETIME
    return until if is_strong and until > timezone.now() else None


def methods(user: User, *, needs_second_factor: bool = False) -> list[AuthenticationMethod]:
    """Return the methods that `reauthenticate` accepts from this user."""
    held = factors.methods(user)
    if not (needs_second_factor or user.two_factor_since) and user.has_usable_password():
        held.insert(0, AuthenticationMethod.PASSWORD)
    return held


def require_recent(caller: SignedIn, *, needs_second_factor: bool = False) -> None:
    """Raise ReauthenticationRequired unless the caller has authenticated recently, as strongly as the account can."""
    if recent_until(caller.session, caller.user, needs_second_factor=needs_second_factor) is None:
        raise _refusal(caller.user, needs_second_factor=needs_second_factor)


def require_recent_second_factor(caller: SignedIn) -> None:
    """Raise ReauthenticationRequired if the caller has two-factor authentication, but has not used it recently."""
    if caller.user.two_factor_since:
        require_recent(caller)


def confirm(caller: SignedIn, errors: FieldErrors, password: str | None) -> None:
    """Check the caller's password. With two-factor authentication, or without a password, require a recent one."""
    user = caller.user
    has_password = user.has_usable_password()
    if has_password and password is None:
        errors.add("password", FieldErrorCode.REQUIRED, "Enter your password.")
    errors.raise_if_any()
    if user.two_factor_since or not has_password:
        require_recent(caller)
    if has_password:
        verification.check_own_password(caller, password or "")


def _check_password(caller: SignedIn, password: str) -> Reauthentication | None:
    is_correct = verification.is_correct(caller, caller.user, password, account=str(caller.user.id))
    return accept(caller, Factor.PASSWORD) if is_correct else None


def _check_code(caller: SignedIn, code: str) -> Reauthentication | None:
    with transaction.atomic():
        factor = factors.use_code(caller.user, code)
        return accept(caller, factor) if factor else None


def _refusal(user: User, *, needs_second_factor: bool) -> ReauthenticationRequired:
    return ReauthenticationRequired(
        max_age=int(settings.GATEWAY_REAUTHENTICATION_LIFETIME.total_seconds()),
        methods=[method.name for method in methods(user, needs_second_factor=needs_second_factor)],
    )
