"""The mails about second factors and passkeys: a task for each."""

from typing import Any

from users.mail import messages, outbox
from users.mail.outbox import Message


@outbox.mail_task
def two_factor_enabled(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about two-factor authentication that was turned on."""
    change = "Two-factor authentication was turned on. All other devices were signed out."
    return _notice(user, address, "Two-factor authentication is on", change, details)


@outbox.mail_task
def two_factor_disabled(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about two-factor authentication that was turned off."""
    change = "Two-factor authentication was turned off. The password alone is now enough to sign in."
    return _notice(user, address, "Two-factor authentication is off", change, details)


@outbox.mail_task
def totp_added(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about a new authenticator app."""
    change = "An authenticator app was added. All other devices were signed out."
    return _notice(user, address, "An authenticator app was added", change, details)


@outbox.mail_task
def totp_removed(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about a removed authenticator app."""
    change = "The authenticator app was removed."
    return _notice(user, address, "The authenticator app was removed", change, details)


@outbox.mail_task
def recovery_codes_regenerated(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about new recovery codes."""
    change = "New recovery codes replaced the former ones, which no longer work."
    return _notice(user, address, "New recovery codes", change, details)


@outbox.mail_task
def recovery_code_used(*, user: str, address: str, left: int, **details: Any) -> Message | None:
    """Informs about a used recovery code, and how many are left."""
    change = (
        f"A recovery code was used in place of a second factor. {left} {'code is' if left == 1 else 'codes are'} left."
    )
    return _notice(user, address, "A recovery code was used", change, details)


@outbox.mail_task
def second_factor_refused(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about a sign-in with the right password and a wrong second factor."""
    change = "Someone entered your password, but not a valid code of your second factor, so the sign-in failed."
    return _notice(user, address, "Someone may know your password", change, details)


@outbox.mail_task
def second_factors_reset(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about second factors that were removed by the staff."""
    change = (
        "Your second factors were removed at the request of your account's support, and all devices were signed out. "
        "The password alone is now enough to sign in."
    )
    return _notice(user, address, "Your second factors were removed", change, details)


@outbox.mail_task
def passkey_added(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about a new passkey."""
    change = "A passkey was added. It can be used to sign in without a password."
    return _notice(user, address, "A passkey was added", change, details)


@outbox.mail_task
def passkey_removed(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about a removed passkey."""
    change = "A passkey was removed. It can no longer be used to sign in."
    return _notice(user, address, "A passkey was removed", change, details)


@outbox.mail_task
def passkey_refused(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about a passkey whose counter did not grow."""
    change = (
        "A passkey was refused because its counter of uses is behind, so someone may have copied it. "
        "Sign in in another way, remove the passkey and add a new one."
    )
    return _notice(user, address, "A passkey was refused", change, details)


def _notice(user: str, address: str, subject: str, change: str, details: dict[str, Any]) -> Message | None:
    return messages.notice(user, address, subject, "security_changed", details | {"change": change})
