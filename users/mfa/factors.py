"""Second factors of an account: which it has, whether sign-ins need one, and the codes that clients send."""

import re
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django_tasks.base import Task

from users import events
from users.authentication_methods import AuthenticationMethod, Factor
from users.caller import Caller
from users.crypto import recovery_codes as recovery_code_crypto
from users.errors import Conflict, EmailNotVerified, TwoFactorSetupRequired
from users.events import EventKind
from users.mail import factor_messages, outbox
from users.mfa import passkeys, recovery_codes, totp
from users.models import Passkey, RecoveryCode, Totp, User
from users.sessions import sessions

TOTP_CODE = re.compile(r"[0-9]{6}")
# Longer than a code with a space between any two characters.
MAX_CODE_LENGTH = 64


def methods(user: User) -> list[AuthenticationMethod]:
    """Return the methods that the user has as a second factor."""
    held = [AuthenticationMethod.TOTP] if totp.exists(user) else []
    if passkeys.exists(user):
        held.append(AuthenticationMethod.PASSKEY)
    if recovery_codes.count(user):
        held.append(AuthenticationMethod.RECOVERY_CODE)
    return held


def has_factor(user: User) -> bool:
    """Return whether the user has a factor to turn on two-factor authentication with."""
    return totp.exists(user) or passkeys.exists(user)


def clean_code(typed: str) -> str:
    """Return a typed code in capitals without spaces and dashes; an empty text if it cannot be a code."""
    # ASCII only: other digits and letters would be further spellings of a code.
    if len(typed) > MAX_CODE_LENGTH or not typed.isascii():
        return ""
    return typed.replace(" ", "").replace("-", "").upper()


def use_code(user: User, typed: str) -> Factor | None:
    """Use up a code of the user's app or a recovery code, and return which it was; None if it is wrong."""
    code = clean_code(typed)
    if TOTP_CODE.fullmatch(code):
        return Factor.TOTP if totp.use(user.id, code) else None
    if recovery_code_crypto.SHAPE.fullmatch(code):
        return Factor.RECOVERY_CODE if recovery_codes.use(user.id, code) else None
    return None


def notify_if_recovery_code(caller: Caller, user: User, factor: Factor) -> None:
    """Record and mail the use of a recovery code, with the number left."""
    if factor is Factor.RECOVERY_CODE:
        left = recovery_codes.count(user)
        events.record(caller, EventKind.RECOVERY_CODE_USED, user=user, left=left)
        outbox.notify(caller, factor_messages.recovery_code_used, user=user, left=left)


def must_set_up(user: User) -> bool:
    """Return whether GATEWAY_TWO_FACTOR lets the user do nothing before two-factor authentication is on."""
    required_for = settings.GATEWAY_TWO_FACTOR
    is_required = required_for == "required" or (required_for == "staff" and (user.is_staff or user.is_superuser))
    return is_required and user.two_factor_since is None


def require_set_up(user: User) -> None:
    """Raise TwoFactorSetupRequired if the user must first turn on two-factor authentication."""
    if must_set_up(user):
        raise TwoFactorSetupRequired


def require_verified_email(user: User) -> None:
    """Raise EmailNotVerified unless the user may have second factors."""
    # Otherwise a stranger could register an email and add an app, and its owner could never have the account.
    if not user.is_email_verified and settings.GATEWAY_EMAIL_VERIFICATION != "off":
        raise EmailNotVerified


def begin_change(user: User) -> None:
    """Lock the user and invalidate sign-ins that have begun; raise Conflict if the account was changed meanwhile."""
    unchanged = User.objects.filter(
        id=user.id,
        credential_version=user.credential_version,
        factors_version=user.factors_version,
        is_active=True,
    )
    if not unchanged.update(factors_version=F("factors_version") + 1):
        raise Conflict
    user.factors_version += 1


def enable(caller: Caller, user: User) -> list[str] | None:
    """Turn on two-factor authentication and return new recovery codes; None if it was on. After `begin_change`."""
    if user.two_factor_since:
        return None
    _set_since(user, timezone.now())
    events.record(caller, EventKind.TWO_FACTOR_ENABLED, user=user)
    outbox.notify(caller, factor_messages.two_factor_enabled, user=user)
    return recovery_codes.replace(user)


def disable(caller: Caller, user: User) -> None:
    """Turn off two-factor authentication, and delete the recovery codes. After `begin_change`."""
    if user.two_factor_since:
        _set_since(user, None)
        recovery_codes.delete(user)
        events.record(caller, EventKind.TWO_FACTOR_DISABLED, user=user)
        outbox.notify(caller, factor_messages.two_factor_disabled, user=user)


def notify_removed(caller: Caller, user: User, message: Task[..., None], **facts: str) -> None:
    """Turn off two-factor authentication if no factor is left, and mail the user about it or about the removal."""
    if user.two_factor_since and not has_factor(user):
        disable(caller, user)
    else:
        outbox.notify(caller, message, user=user, **facts)


def delete_since(caller: Caller, user: User, moment: datetime) -> None:
    """Delete the factors that were added since a moment, in a transaction that has locked the user's row."""
    Totp.objects.filter(user=user, created_at__gte=moment).delete()
    Passkey.objects.filter(user=user, created_at__gte=moment).delete()
    RecoveryCode.objects.filter(user=user, created_at__gte=moment).delete()
    _count_change(user)
    if not has_factor(user):
        disable(caller, user)


def reset(caller: Caller, user: User, *, reason: str, by: str) -> int:
    """Delete all second factors of a user who has lost them, and end all sessions; return how many ended.

    The password stays.
    """
    with transaction.atomic():
        _count_change(user)
        _set_since(user, None)
        totp.delete(user)
        user.passkeys.all().delete()
        recovery_codes.delete(user)
        ended = sessions.end_all_of_user(caller, user=user, reason="second factors reset")
        events.record(caller, EventKind.SECOND_FACTORS_RESET, user=user, reason=reason, by=by)
        outbox.notify(caller, factor_messages.second_factors_reset, user=user)
    return ended


def _count_change(user: User) -> None:
    User.objects.filter(id=user.id).update(factors_version=F("factors_version") + 1)
    user.factors_version += 1


def _set_since(user: User, moment: datetime | None) -> None:
    User.objects.filter(id=user.id).update(two_factor_since=moment)
    user.two_factor_since = moment
