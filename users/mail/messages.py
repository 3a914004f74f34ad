"""The mails: a task for each. A worker builds the message; None means that the mail is no longer needed."""

import re
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from users.crypto.email_tokens import format_code
from users.mail import email_tokens, outbox
from users.mail.email_tokens import Purpose, Secret
from users.mail.outbox import Message
from users.models import User

# The number of accounts that one mail names, newest first. A request with a username reaches the others.
MAX_CLAIMS = 5


@outbox.mail_task
def verify_email(
    *, address: str, user: str | None = None, username: str = "", capped: bool = False, **_: Any
) -> Message | None:
    """Verifies the email of an account that claims it; without a user or a username, of all accounts that do."""
    if capped or _verified(address):
        return None
    owners = _claims(address)
    if user or username:
        owners = owners.filter(id=user) if user else owners.filter(username_key=username.lower())
    if owners:
        return _verification(_same_spelling(owners, address))
    # Or of an account that changes its email to this one.
    pending = None if user else email_tokens.find_pending(address, username=username)
    return _verification([pending.user], pending.address) if pending else None


@outbox.mail_task
def verify_new_email(
    *, user: str, address: str, email: str, credential_version: int, capped: bool = False, **_: Any
) -> Message | None:
    """Verifies the email that is to replace an account's own, as long as the account is as it was."""
    owner = _user(user)
    if owner is None or (owner.email, owner.credential_version) != (email, credential_version):
        return None
    other = User.objects.filter(verified_email_key=address.lower()).exclude(id=owner.id).first()
    if other:
        return _account_exists(other)
    return None if capped else _verification([owner], address)


@outbox.mail_task
def account_exists(*, address: str, **_: Any) -> Message | None:
    """Informs the owner of an email that another registration used it."""
    owner = _verified(address) or email_tokens.find_holder(address)
    return _account_exists(owner, address) if owner else None


@outbox.mail_task
def reset_password(*, address: str, capped: bool = False, **_: Any) -> Message | None:
    """Resets the password of the account that owns the email, or, until one does, of each account that claims it."""
    owner = _verified(address)
    if owner:
        owners = [owner] if owner.is_active else []
    else:
        owners = [] if capped else _same_spelling(_claims(address), address)
    if not owners:
        return None
    to = owners[0].email
    facts = _facts(owners, Purpose.RESET, to, settings.GATEWAY_RESET_URL, settings.GATEWAY_RESET_LIFETIME)
    facts |= {"has_two_factor": any(owner.two_factor_since for owner in owners)}
    return Message(to, "Choose a new password", "reset_password", facts | _client_texts(owners[0], to, {}))


@outbox.mail_task
def new_device(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about a sign-in from a new place."""
    return _notice(user, address, "A new device signed in", "new_device", details)


@outbox.mail_task
def password_changed(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about a new password."""
    return _notice(user, address, "Your password was changed", "password_changed", details)


@outbox.mail_task
def token_reused(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about a session that ended because its refresh token was used twice."""
    return _notice(user, address, "A session was ended for your safety", "token_reused", details)


@outbox.mail_task
def email_changed(*, user: str, address: str, held: str | None, **details: Any) -> Message | None:
    """Informs the former email about the change, with a link that undoes it if the email was verified."""
    secret = email_tokens.create_undo_secret(held) if held else None
    if held and secret is None:
        return None
    link = _link(secret, settings.GATEWAY_UNDO_URL) if secret else {}
    facts = link | {"lifetime": _duration(settings.GATEWAY_UNDO_LIFETIME)}
    return _notice(user, address, "Your email was changed", "email_changed", details | facts | {"held": held})


@outbox.mail_task
def email_change_undone(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs the new email that the former one was restored."""
    return _notice(user, address, "This email no longer has an account", "email_change_undone", details)


@outbox.mail_task
def account_closed(*, user: str, address: str, erases_at: str, **details: Any) -> Message | None:
    """Informs about the closed account, and how to restore it until when."""
    facts = details | {"erases_at": datetime.fromisoformat(erases_at)}
    return _notice(user, address, "Your account is closed", "account_closed", facts)


@outbox.mail_task
def two_factor_enabled(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about two-factor authentication that was turned on."""
    change = "Two-factor authentication was turned on. All other devices were signed out."
    return _security_notice(user, address, "Two-factor authentication is on", change, details)


@outbox.mail_task
def two_factor_disabled(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about two-factor authentication that was turned off."""
    change = "Two-factor authentication was turned off. The password alone is now enough to sign in."
    return _security_notice(user, address, "Two-factor authentication is off", change, details)


@outbox.mail_task
def totp_added(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about a new authenticator app."""
    change = "An authenticator app was added. All other devices were signed out."
    return _security_notice(user, address, "An authenticator app was added", change, details)


@outbox.mail_task
def totp_removed(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about a removed authenticator app."""
    change = "The authenticator app was removed."
    return _security_notice(user, address, "The authenticator app was removed", change, details)


@outbox.mail_task
def recovery_codes_regenerated(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about new recovery codes."""
    change = "New recovery codes replaced the former ones, which no longer work."
    return _security_notice(user, address, "New recovery codes", change, details)


@outbox.mail_task
def recovery_code_used(*, user: str, address: str, left: int, **details: Any) -> Message | None:
    """Informs about a used recovery code, and how many are left."""
    change = (
        f"A recovery code was used in place of a second factor. {left} {'code is' if left == 1 else 'codes are'} left."
    )
    return _security_notice(user, address, "A recovery code was used", change, details)


@outbox.mail_task
def second_factor_refused(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about a sign-in with the right password and a wrong second factor."""
    change = "Someone entered your password, but not a valid code of your second factor, so the sign-in failed."
    return _security_notice(user, address, "Someone may know your password", change, details)


@outbox.mail_task
def second_factors_reset(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about second factors that were removed by the staff."""
    change = (
        "Your second factors were removed at the request of your account's support, and all devices were signed out. "
        "The password alone is now enough to sign in."
    )
    return _security_notice(user, address, "Your second factors were removed", change, details)


@outbox.mail_task
def passkey_added(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about a new passkey."""
    change = "A passkey was added. It can be used to sign in without a password."
    return _security_notice(user, address, "A passkey was added", change, details)


@outbox.mail_task
def passkey_removed(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about a removed passkey."""
    change = "A passkey was removed. It can no longer be used to sign in."
    return _security_notice(user, address, "A passkey was removed", change, details)


@outbox.mail_task
def passkey_refused(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about a passkey whose counter did not grow."""
    change = (
        "A passkey was refused because its counter of uses is behind, so someone may have copied it. "
        "Sign in in another way, remove the passkey and add a new one."
    )
    return _security_notice(user, address, "A passkey was refused", change, details)


def _security_notice(user: str, address: str, subject: str, change: str, details: dict[str, Any]) -> Message | None:
    return _notice(user, address, subject, "security_changed", details | {"change": change})


def _verification(owners: list[User], address: str = "") -> Message:
    to = address or owners[0].email
    facts = _facts(owners, Purpose.VERIFY, to, settings.GATEWAY_VERIFY_URL, settings.GATEWAY_VERIFY_LIFETIME)
    return Message(to, "Verify your email", "verify_email", facts)


def _account_exists(owner: User, address: str = "") -> Message | None:
    facts = {"reset_page": _reset_page()}
    # In the spelling of the account if it still has this email.
    to = owner.email if address.lower() in {"", owner.email.lower()} else address
    return Message(to, "You already have an account", "account_exists", facts) if owner.is_active else None


def _notice(user: str, address: str, subject: str, name: str, details: dict[str, Any]) -> Message | None:
    owner = _user(user)
    if owner is None:
        return None
    moment = datetime.fromisoformat(details["at"])
    facts = {"at": moment, "reset_page": _reset_page(), **_client_texts(owner, address, details)}
    return Message(address, subject, name, details | facts)


def _user(id: str) -> User | None:
    return User.objects.filter(id=id, is_active=True).first()


def _verified(address: str) -> User | None:
    return User.objects.filter(verified_email_key=address.lower()).first()


def _claims(address: str) -> QuerySet[User]:
    claims = User.objects.filter(email_key=address.lower(), is_email_verified=False, is_active=True)
    return claims.order_by("-date_joined", "id")


def _same_spelling(owners: QuerySet[User], address: str) -> list[User]:
    # Mail servers may distinguish case, so the link of an account is sent only to the account's own spelling.
    found = list(owners[:MAX_CLAIMS])
    spellings = [owner.email for owner in found]
    to = address if address in spellings else next(iter(spellings), "")
    return [owner for owner in found if owner.email == to]


def _client_texts(user: User, address: str, details: dict[str, Any]) -> dict[str, Any]:
    # Texts that a client chose. An unverified email may be a stranger's: without this, anyone could send any text to it
    # through the gateway.
    is_owner = user.is_email_verified and user.email == address
    words = {"name": user.full_name or user.username, "username": _without_links(user.username)} | {
        name: details.get(name) for name in ("agent", "device", "passkey")
    }
    return words if is_owner else dict.fromkeys(words, "")


def _facts(owners: list[User], purpose: Purpose, address: str, url: str, lifetime: timedelta) -> dict[str, Any]:
    accounts = [
        {"username": _without_links(owner.username), **_link(email_tokens.create(owner, purpose, address=address), url)}
        for owner in owners
    ]
    return {"accounts": accounts, "lifetime": _duration(lifetime)}


def _link(secret: Secret, url: str) -> dict[str, str]:
    return {"link": url.replace("{token}", secret.token), "code": format_code(secret.code) if secret.code else ""}


def _without_links(username: str) -> str:
    # A stranger may have chosen it: word joiners prevent mail programs from turning "www.evil.example" into a link.
    return username.replace(".", "\u2060.\u2060")


def _reset_page() -> str:
    # Without a token, the page offers to send a reset mail.
    return re.sub(r"[#?&][^#?&=]*=$", "", settings.GATEWAY_RESET_URL.partition("{token}")[0])


def _duration(lifetime: timedelta) -> str:
    for unit, seconds in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count, rest = divmod(int(lifetime.total_seconds()), seconds)
        if count and not rest:
            return f"{count} {unit}{'s' * (count > 1)}"
    return f"{int(lifetime.total_seconds())} seconds"
