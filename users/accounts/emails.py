"""Addresses: proven by who reads them, changed only for a proven one, given back where that was not wanted."""

from copy import copy
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from users import events, normalization, throttle
from users.caller import Caller, SignedIn
from users.errors import Conflict, FieldErrorCode, Inspection, TokenInvalid
from users.events import Kind
from users.mail import email_tokens, messages, outbox
from users.mail.email_tokens import Purpose
from users.models import Proof, User
from users.passwords import changes
from users.sessions import access_tokens, sessions


def request_verification(caller: Caller, *, email: str, username: str | None = None) -> None:
    """Send a verification mail for the account with this username, or for all accounts that claim the email.

    Nothing shows whether there is such an account.
    """
    inspection = Inspection()
    name = inspection.clean("username", normalization.username, username) if username is not None else ""
    inspection.finish()
    address = outbox.admit(caller, email, to="prove")
    capped = outbox.is_capped(address, to="prove")
    user = changes.owner(name or address)
    if user and user.email_key != address.lower():
        user = None
    with transaction.atomic():
        events.record(caller, Kind.EMAIL_VERIFICATION_REQUESTED, user=user)
        outbox.queue(caller, messages.verify_address, user=None, address=address, username=name, capped=capped)


def verify(caller: Caller, *, token: str, email: str | None = None) -> User:
    """Mark the address of a mailed token as verified, replace a former address by it, and return the user.

    Of several accounts that claim the address the first to verify it owns it; the others lose it.
    """
    proof = email_tokens.find(caller, Purpose.VERIFY, token=token, email=email)
    user, former = proof.user, copy(proof.user)
    session = access_tokens.own_session(caller, user)
    with transaction.atomic():
        others = email_tokens.lock_claims(user, proof.address)
        _take(user, proof)
        email_tokens.use(proof)
        email_tokens.void_claims(user, proof.address, others)
        if former.email_key != proof.address_key:
            events.record(caller, Kind.EMAIL_CHANGED, user=user)
            _tell_former(caller, user, former)
        elif not former.is_email_verified:
            events.record(caller, Kind.EMAIL_VERIFIED, user=user)
        if not former.is_email_verified:
            events.record_reopening(caller, user=former)
            # The person who registered the account may not be the one who reads its mail: only the session that
            # brings the mailed token continues.
            keep = session.id if session else None
            sessions.end_all_of(caller, user=user, why="address proven", keep=keep)
    if not former.is_email_verified:
        throttle.forget_sign_ins(caller, user=user)
    return user


def change(caller: SignedIn, *, new_email: str, password: str | None = None) -> None:
    """Send a mail to the new address, which becomes the caller's once it is verified."""
    user, inspection = caller.user, Inspection()
    address = inspection.clean("new_email", normalization.email, new_email)
    if address == user.email and user.is_email_verified:
        inspection.add("new_email", FieldErrorCode.INVALID, "This is the account's address already.")
    changes.require(inspection, password, user=user)
    inspection.finish()
    changes.prove(caller, password or "")
    outbox.admit(caller, address, to="prove")
    bound = {"email": user.email, "credential_version": user.credential_version}
    capped = outbox.is_capped(address, to="prove")
    with transaction.atomic():
        events.record(caller, Kind.EMAIL_CHANGE_REQUESTED, user=user, session_id=caller.session.id)
        outbox.queue(caller, messages.verify_new_address, user=user, address=address, capped=capped, **bound)


def undo_change(caller: Caller, *, token: str, needs_session: bool = False) -> tuple[User, int]:
    """Restore the former address, disable the password, end all sessions; return the user and how many ended.

    With `needs_session`, raise Forbidden before anything changes unless the caller is signed in as this user.
    """
    proof = email_tokens.find(caller, Purpose.UNDO, token=token)
    user, former = proof.user, copy(proof.user)
    access_tokens.own_session(caller, user)
    if needs_session:
        sessions.shown(user)
    with transaction.atomic():
        # The rows of users before any others, as every rule locks them.
        others = email_tokens.lock_claims(user, proof.address)
        _give_back(user, proof)
        email_tokens.use(proof)
        email_tokens.void_claims(user, proof.address, others)
        # What was mailed since may be in the hands of whoever changed the address.
        email_tokens.withdraw(user, since=proof)
        ended = sessions.end_all_of(caller, user=former, why="change of address undone")
        events.record(caller, Kind.EMAIL_CHANGE_UNDONE, user=user)
        events.record_reopening(caller, user=former)
        outbox.queue(caller, messages.reset_password, user=None, address=proof.address)
        outbox.queue(caller, messages.address_taken_back, user=user, address=former.email)
    return user, ended


def _take(user: User, proof: Proof) -> None:
    bound = {"email": proof.email, "credential_version": proof.credential_version, "is_active": True}
    fresh = {} if user.is_email_verified else {"erases_at": None}
    if not _update(User.objects.filter(id=user.id, **bound), email=proof.address, is_email_verified=True, **fresh):
        raise TokenInvalid
    user.email, user.is_email_verified = proof.address, True


def _give_back(user: User, proof: Proof) -> None:
    # Who changed the address knew the password: it opens nothing any more, and a mail lets the owner choose another.
    user.email, user.is_email_verified, user.erases_at = proof.address, True, None
    user.set_password(None)
    changes = ("email", "is_email_verified", "erases_at", "password", "credential_version")
    same = User.objects.filter(id=user.id, credential_version=user.credential_version - 1, is_active=True)
    if not _update(same, **{name: getattr(user, name) for name in changes}):
        raise Conflict


def _update(users: QuerySet[User], **changes: Any) -> int:
    try:
        with transaction.atomic():
            return users.update(**changes)
    except IntegrityError:
        raise Conflict("Another account has this email.") from None


def _tell_former(caller: Caller, user: User, former: User) -> None:
    # Who never proved the former address had it by mistake, or as a pretence: its reader gets no hold on the account.
    held = email_tokens.hold(user, address=former.email) if former.is_email_verified else None
    if held or throttle.counted(outbox.unasked(former.email)):
        facts = {"held": str(held) if held else None}
        outbox.queue(caller, messages.address_changed, user=user, address=former.email, **facts)
