"""The letters: one function each, run by the worker; none where there is nothing to say any more."""

import re
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from users.crypto.proofs import shown
from users.mail import email_tokens, outbox
from users.mail.email_tokens import Purpose, Secret
from users.mail.outbox import Letter
from users.models import User

# The accounts that one mail names, the newest first. Asking by username reaches every other.
MOST_CLAIMS = 5


@outbox.letter
def verify_address(
    *, address: str, user: str | None = None, username: str = "", capped: bool = False, **_: Any
) -> Letter | None:
    """Verifies the email of an account that claims it; without a user or a username, of all accounts that do."""
    if capped or _verified(address):
        return None
    owners = _claims(address)
    if user or username:
        owners = owners.filter(id=user) if user else owners.filter(username_key=username.lower())
    if owners:
        return _verification(_same_spelling(owners, address))
    # Or of an account that changes its email to this one.
    pending = None if user else email_tokens.pending(address, username=username)
    return _verification([pending.user], pending.address) if pending else None


@outbox.letter
def verify_new_address(
    *, user: str, address: str, email: str, credential_version: int, capped: bool = False, **_: Any
) -> Letter | None:
    """Verifies the email that is to replace an account's own, as long as the account is as it was."""
    owner = _user(user)
    if owner is None or (owner.email, owner.credential_version) != (email, credential_version):
        return None
    other = User.objects.filter(verified_email_key=address.lower()).exclude(id=owner.id).first()
    if other:
        return _existence(other)
    return None if capped else _verification([owner], address)


@outbox.letter
def account_exists(*, address: str, **_: Any) -> Letter | None:
    """Tells an address that it has an account already, since somebody meant to make one."""
    owner = _verified(address) or email_tokens.holder(address)
    return _existence(owner, address) if owner else None


@outbox.letter
def reset_password(*, address: str, capped: bool = False, **_: Any) -> Letter | None:
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
    return Letter(to, "Choose a new password", "reset_password", facts | _words(owners[0], to, {}))


@outbox.letter
def new_device(*, user: str, address: str, **happened: Any) -> Letter | None:
    """Tells of a sign-in from where there was none before."""
    return _notice(user, address, "A new device signed in", "new_device", happened)


@outbox.letter
def password_changed(*, user: str, address: str, **happened: Any) -> Letter | None:
    """Tells that the password is another one."""
    return _notice(user, address, "Your password was changed", "password_changed", happened)


@outbox.letter
def token_reused(*, user: str, address: str, **happened: Any) -> Letter | None:
    """Tells that somebody else had a session's tokens."""
    return _notice(user, address, "A session was ended for your safety", "token_reused", happened)


@outbox.letter
def address_changed(*, user: str, address: str, held: str | None, **happened: Any) -> Letter | None:
    """Tells the former address that it is no longer the account's, and how to have it back, where it was proven."""
    secret = email_tokens.secret_of(held) if held else None
    if held and secret is None:
        return None
    link = _link(secret, settings.GATEWAY_UNDO_URL) if secret else {}
    facts = link | {"lifetime": _span(settings.GATEWAY_UNDO_LIFETIME)}
    return _notice(user, address, "Your address was changed", "address_changed", happened | facts | {"held": held})


@outbox.letter
def address_taken_back(*, user: str, address: str, **happened: Any) -> Letter | None:
    """Tells an address that the account it took over is no longer its, since the former one was taken back."""
    return _notice(user, address, "This address has no account any more", "address_taken_back", happened)


@outbox.letter
def account_closed(*, user: str, address: str, erases_at: str, **happened: Any) -> Letter | None:
    """Tells that the account is closed, until when it can be had back, and how."""
    facts = happened | {"erases_at": datetime.fromisoformat(erases_at)}
    return _notice(user, address, "Your account is closed", "account_closed", facts)


def _verification(owners: list[User], address: str = "") -> Letter:
    to = address or owners[0].email
    facts = _facts(owners, Purpose.VERIFY, to, settings.GATEWAY_VERIFY_URL, settings.GATEWAY_VERIFY_LIFETIME)
    return Letter(to, "Confirm your address", "verify_address", facts)


def _existence(owner: User, address: str = "") -> Letter | None:
    facts = {"reset_page": _reset_page()}
    # As it is kept, wherever it is still the account's.
    to = owner.email if address.lower() in {"", owner.email.lower()} else address
    return Letter(to, "You have an account already", "account_exists", facts) if owner.is_active else None


def _notice(user: str, address: str, subject: str, name: str, happened: dict[str, Any]) -> Letter | None:
    owner = _user(user)
    if owner is None:
        return None
    moment = datetime.fromisoformat(happened["at"])
    facts = {"at": moment, "reset_page": _reset_page(), **_words(owner, address, happened)}
    return Letter(address, subject, name, happened | facts)


def _user(id: str) -> User | None:
    return User.objects.filter(id=id, is_active=True).first()


def _verified(address: str) -> User | None:
    return User.objects.filter(verified_email_key=address.lower()).first()


def _claims(address: str) -> QuerySet[User]:
    claims = User.objects.filter(email_key=address.lower(), is_email_verified=False, is_active=True)
    return claims.order_by("-date_joined", "id")


def _same_spelling(owners: QuerySet[User], address: str) -> list[User]:
    # A mail server may tell upper case from lower, so each account's link goes to its own spelling of the email alone.
    found = list(owners[:MOST_CLAIMS])
    spellings = [owner.email for owner in found]
    to = address if address in spellings else next(iter(spellings), "")
    return [owner for owner in found if owner.email == to]


def _words(user: User, address: str, happened: dict[str, Any]) -> dict[str, Any]:
    # What people chose to be called, and what their programs say they are. An address that is not proven may be a
    # stranger's, to whom anybody could have us say anything by these.
    is_theirs = user.is_email_verified and user.email == address
    said = {"name": user.full_name or user.username, "agent": happened.get("agent"), "device": happened.get("device")}
    return said if is_theirs else dict.fromkeys(said, "")


def _facts(owners: list[User], purpose: Purpose, address: str, url: str, lifetime: timedelta) -> dict[str, Any]:
    accounts = [
        {"username": _unlinked(owner.username), **_link(email_tokens.make(owner, purpose, address=address), url)}
        for owner in owners
    ]
    return {"accounts": accounts, "lifetime": _span(lifetime)}


def _link(secret: Secret, url: str) -> dict[str, str]:
    return {"link": url.replace("{token}", secret.token), "code": shown(secret.code) if secret.code else ""}


def _unlinked(username: str) -> str:
    # A stranger may have chosen it: word joiners keep mail programs from making a link of "www.evil.example".
    return username.replace(".", "\u2060.\u2060")


def _reset_page() -> str:
    # Without a token it asks for the address, and has one sent.
    return re.sub(r"[#?&][^#?&=]*=$", "", settings.GATEWAY_RESET_URL.partition("{token}")[0])


def _span(lifetime: timedelta) -> str:
    for unit, seconds in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count, rest = divmod(int(lifetime.total_seconds()), seconds)
        if count and not rest:
            return f"{count} {unit}{'s' * (count > 1)}"
    return f"{int(lifetime.total_seconds())} seconds"
