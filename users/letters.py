"""The letters: one function each, run by the worker; none where there is nothing to say any more."""

import re
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from users import mail, proofs
from users.crypto.proofs import shown
from users.mail import Letter
from users.models import User
from users.proofs import Purpose, Secret


@mail.letter
def verify_address(*, address: str, capped: bool = False, **_: Any) -> Letter | None:
    """Proves the address of the account that has it; nothing where it has none, or is proven."""
    if capped:
        return None
    owner = _owner(address)
    if owner is None:
        # Or one that is to take the place of an account's own, asked for before.
        pending = proofs.pending(address)
        return _verification(pending.user, pending.address) if pending else None
    # As it is kept, not as it was asked for: a mail server may know upper case from lower.
    return _verification(owner, owner.email) if not owner.is_email_verified else None


@mail.letter
def verify_new_address(
    *, user: str, address: str, email: str, credential_version: int, capped: bool = False, **_: Any
) -> Letter | None:
    """Proves the address that is to take the place of an account's own, as long as that is as it was."""
    owner = _user(user)
    if owner is None or (owner.email, owner.credential_version) != (email, credential_version):
        return None
    other = User.objects.filter(email_key=address.lower()).exclude(id=owner.id).first()
    if capped and not (other and other.is_email_verified):
        return None
    return _existence(other) if other else _verification(owner, address)


@mail.letter
def account_exists(*, address: str, **_: Any) -> Letter | None:
    """Tells an address that it has an account already, since somebody meant to make one."""
    owner = _owner(address) or proofs.holder(address)
    return _existence(owner, address) if owner else None


@mail.letter
def reset_password(*, address: str, capped: bool = False, **_: Any) -> Letter | None:
    """Lets who forgot a password choose another; nothing where no account has the address."""
    owner = _owner(address)
    if owner is None or (capped and not owner.is_email_verified):
        return None
    secret = proofs.make(owner, Purpose.RESET, address=owner.email)
    facts = _facts(secret, settings.GATEWAY_RESET_URL, settings.GATEWAY_RESET_LIFETIME)
    return Letter(owner.email, "Choose a new password", "reset_password", facts | _words(owner, owner.email, {}))


@mail.letter
def new_device(*, user: str, address: str, **happened: Any) -> Letter | None:
    """Tells of a sign-in from where there was none before."""
    return _notice(user, address, "A new device signed in", "new_device", happened)


@mail.letter
def password_changed(*, user: str, address: str, **happened: Any) -> Letter | None:
    """Tells that the password is another one."""
    return _notice(user, address, "Your password was changed", "password_changed", happened)


@mail.letter
def token_reused(*, user: str, address: str, **happened: Any) -> Letter | None:
    """Tells that somebody else had a session's tokens."""
    return _notice(user, address, "A session was ended for your safety", "token_reused", happened)


@mail.letter
def address_changed(*, user: str, address: str, held: str | None, **happened: Any) -> Letter | None:
    """Tells the former address that it is no longer the account's, and how to have it back, where it was proven."""
    secret = proofs.secret_of(held) if held else None
    if held and secret is None:
        return None
    facts = _facts(secret, settings.GATEWAY_UNDO_URL, settings.GATEWAY_UNDO_LIFETIME) if secret else {}
    return _notice(user, address, "Your address was changed", "address_changed", happened | facts | {"held": held})


@mail.letter
def address_taken_back(*, user: str, address: str, **happened: Any) -> Letter | None:
    """Tells an address that the account it took over is no longer its, since the former one was taken back."""
    return _notice(user, address, "This address has no account any more", "address_taken_back", happened)


@mail.letter
def account_closed(*, user: str, address: str, erases_at: str, **happened: Any) -> Letter | None:
    """Tells that the account is closed, until when it can be had back, and how."""
    facts = happened | {"erases_at": datetime.fromisoformat(erases_at)}
    return _notice(user, address, "Your account is closed", "account_closed", facts)


def _verification(owner: User, address: str) -> Letter:
    secret = proofs.make(owner, Purpose.VERIFY, address=address)
    facts = _facts(secret, settings.GATEWAY_VERIFY_URL, settings.GATEWAY_VERIFY_LIFETIME)
    return Letter(address, "Confirm your address", "verify_address", facts)


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


def _owner(address: str) -> User | None:
    return User.objects.filter(email_key=address.lower(), is_active=True).first()


def _words(user: User, address: str, happened: dict[str, Any]) -> dict[str, Any]:
    # What people chose to be called, and what their programs say they are. An address that is not proven may be a
    # stranger's, to whom anybody could have us say anything by these.
    is_theirs = user.is_email_verified and user.email == address
    said = {"name": user.full_name or user.username, "agent": happened.get("agent"), "device": happened.get("device")}
    return said if is_theirs else dict.fromkeys(said, "")


def _facts(secret: Secret, url: str, lifetime: timedelta) -> dict[str, Any]:
    code = shown(secret.code) if secret.code else ""
    return {"link": url.replace("{token}", secret.token), "code": code, "lifetime": _span(lifetime)}


def _reset_page() -> str:
    # Without a token it asks for the address, and has one sent.
    return re.sub(r"[#?&][^#?&=]*=$", "", settings.GATEWAY_RESET_URL.partition("{token}")[0])


def _span(lifetime: timedelta) -> str:
    for unit, seconds in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count, rest = divmod(int(lifetime.total_seconds()), seconds)
        if count and not rest:
            return f"{count} {unit}{'s' * (count > 1)}"
    return f"{int(lifetime.total_seconds())} seconds"
