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
    return notice(user, address, "A new device signed in", "new_device", details)


@outbox.mail_task
def password_changed(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about a new password."""
    return notice(user, address, "Your password was changed", "password_changed", details)


@outbox.mail_task
def token_reused(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs about a session that ended because its refresh token was used twice."""
    return notice(user, address, "A session was ended for your safety", "token_reused", details)


@outbox.mail_task
def email_changed(*, user: str, address: str, held: str | None, **details: Any) -> Message | None:
    """Informs the former email about the change, with a link that undoes it if the email was verified."""
    secret = email_tokens.create_undo_secret(held) if held else None
    if held and secret is None:
        return None
    link = _link(secret, settings.GATEWAY_UNDO_URL) if secret else {}
    facts = link | {"lifetime": _duration(settings.GATEWAY_UNDO_LIFETIME)}
    return notice(user, address, "Your email was changed", "email_changed", details | facts | {"held": held})


@outbox.mail_task
def email_change_undone(*, user: str, address: str, **details: Any) -> Message | None:
    """Informs the new email that the former one was restored."""
    return notice(user, address, "This email no longer has an account", "email_change_undone", details)


@outbox.mail_task
def account_closed(*, user: str, address: str, erases_at: str, **details: Any) -> Message | None:
    """Informs about the closed account, and how to restore it until when."""
    facts = details | {"erases_at": datetime.fromisoformat(erases_at)}
    return notice(user, address, "Your account is closed", "account_closed", facts)


def _verification(owners: list[User], address: str = "") -> Message:
    to = address or owners[0].email
    facts = _facts(owners, Purpose.VERIFY, to, settings.GATEWAY_VERIFY_URL, settings.GATEWAY_VERIFY_LIFETIME)
    return Message(to, "Verify your email", "verify_email", facts)


def _account_exists(owner: User, address: str = "") -> Message | None:
    facts = {"reset_page": _reset_page()}
    # In the spelling of the account if it still has this email.
    to = owner.email if address.lower() in {"", owner.email.lower()} else address
    return Message(to, "You already have an account", "account_exists", facts) if owner.is_active else None


def notice(user: str, address: str, subject: str, name: str, details: dict[str, Any]) -> Message | None:
    """Return a message that informs a user about a change of the account, or None if there is no such user."""
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
