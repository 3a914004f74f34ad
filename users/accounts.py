"""Accounts: made, and described by their owners."""

from copy import copy
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from users import events, hashing, names, passwords, throttle, tokens
from users.caller import Caller, SignedIn
from users.errors import FieldErrorCode, Inspection
from users.events import Kind
from users.models import User
from users.tokens import Grant

PROFILE = {
    "username": names.username,
    "full_name": names.full_name,
    "bio": names.bio,
    "image_url": names.image_url,
}


def register(
    caller: Caller,
    *,
    username: str,
    email: str,
    password: str,
    password_confirmation: str | None = None,
    full_name: str | None = None,
    device_name: str | None = None,
) -> Grant:
    """Make an account and sign in; every argument that will not do is named, and none makes anything."""
    throttle.count(caller, throttle.lanes("register", throttle.place(caller)))
    inspection = Inspection()
    user = User(
        username=inspection.clean("username", names.username, username),
        email=inspection.clean("email", names.email, email),
        full_name=inspection.clean("full_name", names.full_name, full_name),
    )
    device = inspection.clean("device_name", names.device_name, device_name)
    passwords.inspect(inspection, "password", password, user=user)
    if password_confirmation is not None and password_confirmation != password:
        inspection.add("password_confirmation", FieldErrorCode.MISMATCH, "The two passwords differ.")
    _look_for_others(inspection, user, ["username", "email"])
    inspection.finish()
    with hashing.seat():
        user.password = hashing.make(password)
    with transaction.atomic():
        _save(user, force_insert=True)
        events.record(caller, Kind.ACCOUNT_REGISTERED, user=user)
        return tokens.grant(caller, user=user, device_name=device)


def update_profile(caller: SignedIn, **changes: str | None) -> User:
    """Change what is given of the caller's profile; an empty text empties, null empties what may be null."""
    changes = {field: value for field, value in changes.items() if value is not None or field == "image_url"}
    inspection = Inspection()
    before, user = caller.user, copy(caller.user)
    for field, value in changes.items():
        setattr(user, field, inspection.clean(field, PROFILE[field], value))
    if "username" in changes:
        _look_for_others(inspection, user, ["username"])
    inspection.finish()
    changed = sorted(field for field in changes if getattr(user, field) != getattr(before, field))
    if changed:
        with transaction.atomic():
            _save(user, update_fields=changed)
            events.record(caller, Kind.PROFILE_CHANGED, user=user, session_id=caller.session.id, fields=changed)
    return user


def _look_for_others(inspection: Inspection, user: User, fields: list[str]) -> None:
    # Only what is well-formed may reach the database: some engines fail on NULs and lone surrogates.
    malformed = {error.field for error in inspection.errors}
    for field in fields:
        if field not in malformed and _others(user, field).exists():
            inspection.add(field, FieldErrorCode.TAKEN, f"Another account has this {field}.")


def _others(user: User, field: str) -> QuerySet[User]:
    return User.objects.filter(**{f"{field}_key": getattr(user, field).lower()}).exclude(id=user.id)


def _save(user: User, **how: Any) -> None:
    # The look before was a courtesy; the database decides, also between two who looked at one moment.
    try:
        with transaction.atomic():
            user.save(**how)
    except IntegrityError:
        inspection = Inspection()
        _look_for_others(inspection, user, ["username", "email"])
        inspection.finish()
        raise
