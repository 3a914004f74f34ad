"""Profiles: what users tell about themselves."""

from copy import copy

from django.db import transaction

from users import events, normalization, throttle
from users.accounts import unique
from users.caller import SignedIn
from users.errors import FieldErrors
from users.events import EventKind
from users.models import User

CLEANERS = {
    "username": normalization.username,
    "full_name": normalization.full_name,
    "bio": normalization.bio,
    "image_url": normalization.image_url,
}


def update(caller: SignedIn, **profile: str | None) -> User:
    """Change the given fields of the caller's profile and return the user; an empty text empties a field."""
    given = {field: value for field, value in profile.items() if value is not None or field == "image_url"}
    errors = FieldErrors()
    before, user = caller.user, copy(caller.user)
    for field, value in given.items():
        setattr(user, field, errors.clean(field, CLEANERS[field], value))
    if "username" in given:
        unique.check(errors, user, ["username"])
    errors.raise_if_any()
    changed = sorted(field for field in given if getattr(user, field) != getattr(before, field))
    if changed:
        throttle.consume(caller, throttle.buckets("update_profile", user.id), user=user)
        with unique.refused(user, ["username"]), transaction.atomic():
            user.save(update_fields=changed)
            events.record(caller, EventKind.PROFILE_CHANGED, user=user, session_id=caller.session.id, fields=changed)
    return user
