"""Accounts: registration, profiles, closing, erasure and export.

An email is claimed by a registration and owned by the first account that verifies it. Where verification is required,
a registration does not reveal whether the email has an owner: it creates an account in either case, and for an email
with an owner that account has no email, so nobody ever signs in to it. Accounts that are not verified in time are
erased.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Model, QuerySet, Value
from django.utils import timezone

from users import events, normalization, throttle
from users.caller import Caller, SignedIn
from users.compiled_query import CompiledQuery, parameter
from users.errors import Conflict, FieldErrorCode, Inspection
from users.events import Kind
from users.mail import email_tokens, messages, outbox
from users.models import User
from users.passwords import changes, hashing
from users.sessions import access_tokens, sessions
from users.sessions.access_tokens import Grant

PROFILE = {
    "username": normalization.username,
    "full_name": normalization.full_name,
    "bio": normalization.bio,
    "image_url": normalization.image_url,
}
SESSION_FACTS = (
    "device_name",
    "user_agent",
    "ip_address",
    "created_at",
    "rotated_at",
    "expires_at",
    "absolute_expires_at",
    "ended_at",
)
EVENT_FACTS = ("kind", "at", "ip_address", "user_agent", "facts")
PROOF_FACTS = ("purpose", "address", "created_at", "expires_at")


def register(
    caller: Caller,
    *,
    username: str,
    email: str,
    password: str,
    password_confirmation: str | None = None,
    full_name: str | None = None,
    device_name: str | None = None,
) -> Grant | None:
    """Make an account and sign in; every argument that will not do is named, and none makes anything.

    Nothing is granted where the address must be proven first.
    """
    throttle.count(caller, throttle.lanes("register", throttle.place(caller)))
    inspection = Inspection()
    user = User(
        username=inspection.clean("username", normalization.username, username),
        email=inspection.clean("email", normalization.email, email),
        full_name=inspection.clean("full_name", normalization.full_name, full_name),
    )
    device = inspection.clean("device_name", normalization.device_name, device_name)
    changes.inspect(inspection, "password", password, user=user)
    if password_confirmation is not None and password_confirmation != password:
        inspection.add("password_confirmation", FieldErrorCode.MISMATCH, "The two passwords differ.")
    is_quiet = settings.GATEWAY_EMAIL_VERIFICATION == "required"
    _look_for_others(inspection, user, ["username"] if is_quiet else ["username", "email"])
    inspection.finish()
    if is_quiet:
        throttle.count(caller, outbox.joining(caller), are_new=True)
    user.password = hashing.hash_password(caller, password, account=user.username.lower())
    if is_quiet:
        _make_quietly(caller, user, is_mailed=throttle.counted(outbox.unasked(user.email), are_new=True))
        return None
    # Before the transaction, which would otherwise hold the shared counters until it ends.
    asks = settings.GATEWAY_EMAIL_VERIFICATION == "optional"
    is_mailed = asks and throttle.counted([*outbox.unasked(user.email), *outbox.joining(caller)], are_new=True)
    with _saving(user), transaction.atomic():
        user.save(force_insert=True)
        events.record(caller, Kind.ACCOUNT_REGISTERED, user=user)
        if is_mailed:
            outbox.queue(caller, messages.verify_address, user=user)
        granted = access_tokens.grant(caller, user=user, device_name=device)
    return access_tokens.move_to_cookie(caller, granted)


def update_profile(caller: SignedIn, **profile: str | None) -> User:
    """Change the given fields of the caller's profile and return the user; an empty text empties a field."""
    given = {field: value for field, value in profile.items() if value is not None or field == "image_url"}
    inspection = Inspection()
    before, user = caller.user, copy(caller.user)
    for field, value in given.items():
        setattr(user, field, inspection.clean(field, PROFILE[field], value))
    if "username" in given:
        _look_for_others(inspection, user, ["username"])
    inspection.finish()
    changed = sorted(field for field in given if getattr(user, field) != getattr(before, field))
    if changed:
        throttle.count(caller, throttle.lanes("update_profile", user.id), user=user)
        with _saving(user, shown=["username"]), transaction.atomic():
            user.save(update_fields=changed)
            events.record(caller, Kind.PROFILE_CHANGED, user=user, session_id=caller.session.id, fields=changed)
    return user


def close(caller: SignedIn, *, password: str | None = None) -> datetime:
    """Close the caller's account, end all its sessions, and return when it will be erased."""
    user, inspection = caller.user, Inspection()
    changes.require(inspection, password, user=user)
    inspection.finish()
    changes.prove(caller, password or "")
    erases_at = timezone.now() + settings.GATEWAY_ERASE_AFTER
    with transaction.atomic():
        same = User.objects.filter(id=user.id, credential_version=user.credential_version, is_active=True)
        if not same.update(erases_at=erases_at):
            raise Conflict
        email_tokens.withdraw(user)
        sessions.end_all_held(caller, why="account closed")
        events.record(caller, Kind.ACCOUNT_CLOSED, user=user, session_id=caller.session.id)
        outbox.notify(caller, messages.account_closed, user=user, erases_at=erases_at.isoformat())
    return erases_at


def export(user: User) -> dict[str, Any]:
    """Return everything that is stored about a user except secrets."""
    names = (
        "id",
        "username",
        "email",
        "is_email_verified",
        "full_name",
        "bio",
        "image_url",
        "date_joined",
        "last_login",
    )
    return {
        **{name: _plain(getattr(user, name)) for name in names},
        "roles": user.roles(),
        "sessions": [_row(each, SESSION_FACTS) for each in user.sessions.order_by("created_at")],
        "events": [_row(each, EVENT_FACTS) for each in user.events.order_by("at", "id").iterator()],
        "email_tokens": [_row(each, PROOF_FACTS) for each in user.proofs.order_by("created_at")],
    }


def count() -> int:
    """How many accounts there are."""
    return User.objects.count()


def prune() -> int:
    """Erase the accounts whose time has come; how many there were."""
    due = User.objects.filter(erases_at__lte=timezone.now())
    return sum(_erase(id) for id in list(due.values_list("id", flat=True)))


def _erase(id: UUID) -> int:
    with transaction.atomic():
        # Whoever signs in at this moment comes before, and keeps the account, or after, and finds none.
        user = User.objects.select_for_update().filter(id=id, erases_at__lte=timezone.now()).first()
        if user is None:
            return 0
        events.anonymise(user)
        events.record(Caller(), Kind.ACCOUNT_ERASED, user=None)
        user.delete()
    return 1


def _make_quietly(caller: Caller, user: User, *, is_mailed: bool) -> None:
    # The same statements in either case, so that neither the answer nor its time tells whether the address was taken.
    user.erases_at = timezone.now() + settings.GATEWAY_ERASE_AFTER
    address, holder = user.email, email_tokens.holder(user.email)
    owner = _verified.first(key=address.lower()) or holder
    if owner:
        user.email = normalization.NOWHERE
    kind = Kind.REGISTRATION_REPEATED if owner else Kind.ACCOUNT_REGISTERED
    with _saving(user, shown=["username"]), transaction.atomic():
        user.save(force_insert=True)
        # For the owner only as often as a mail is sent: others must not fill the owner's list of events.
        events.record(caller, kind, user=owner if owner and is_mailed else user)
        if is_mailed:
            letter = messages.account_exists if owner else messages.verify_address
            outbox.queue(caller, letter, user=user, address=address)


def _row(row: Model, names: Iterable[str]) -> dict[str, Any]:
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value) if isinstance(value, UUID) else value


def _look_for_others(inspection: Inspection, user: User, fields: Sequence[str]) -> None:
    # Only what is well-formed may reach the database: some engines fail on NULs and lone surrogates.
    malformed = {error.field for error in inspection.errors}
    keys = {name: getattr(user, name).lower() for name in fields if name not in malformed}
    if keys:
        # Nobody is called by an empty text, which stands for what is not asked.
        username, email = keys.get("username", ""), keys.get("email", "")
        rows = _others.rows(id=user.id, username=username, address_key=email, now=timezone.now())
        taken = {field for (field,) in rows}
        for field in keys:
            if field in taken:
                inspection.add(field, FieldErrorCode.TAKEN, f"Another account has this {field}.")


def _fields_of_others() -> QuerySet[Any, Any]:
    # Which of the fields another account has, in one statement; also an address that is held for its former user.
    users = User.objects.exclude(id=parameter("id", User.id))
    usernames = users.filter(username_key=parameter("username", User.username_key)).values_list(Value("username"))
    emails = users.filter(email_key=parameter("address_key", User.email_key)).values_list(Value("email"))
    return usernames.union(emails, email_tokens.held().values_list(Value("email")), all=True)


_others = CompiledQuery(_fields_of_others)
_verified = CompiledQuery(lambda: User.objects.filter(verified_email_key=parameter("key", User.verified_email_key)))


@contextmanager
def _saving(user: User, *, shown: Sequence[str] = ("username", "email")) -> Iterator[None]:
    # The look before was a courtesy; the database decides, also between two who looked at one moment.
    try:
        yield
    except IntegrityError:
        inspection = Inspection()
        _look_for_others(inspection, user, shown)
        inspection.finish()
        raise
