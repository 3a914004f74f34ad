"""Passwords: judged by one policy, compared whole, changed by one winner at a time."""

import unicodedata

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from users import events, hashing, names, sessions, throttle
from users.caller import SignedIn
from users.errors import Conflict, FieldErrorCode, Inspection, InvalidCredentials, WrongValue
from users.events import Kind
from users.models import User

LONGEST = 256


def inspect(inspection: Inspection, field: str, password: str, *, user: User) -> None:
    """Note everything that keeps a text from being this user's password."""
    password = _normal(password)
    if not password:
        inspection.add(field, FieldErrorCode.REQUIRED, "A password is needed.")
    elif len(password) > LONGEST:
        inspection.add(field, FieldErrorCode.TOO_LONG, f"A password has at most {LONGEST} characters.")
    else:
        try:
            validate_password(password, user)
        except ValidationError as refusal:
            for error in refusal.error_list:
                code = FieldErrorCode[str(error.code).upper()]
                inspection.add(field, code, " ".join(error.messages))


def matches(user: User | None, password: str) -> bool:
    """Whether the password is this user's. One hash in every case, so that time does not tell which it was."""
    password = _normal(password)
    # A longer one cannot be anyone's; its beginning is hashed all the same, at the same cost.
    fits = 0 < len(password) <= LONGEST
    if user is None or not user.has_usable_password():
        hashing.make(password[:LONGEST])
        return False

    def upgrade(raw: str) -> None:
        # Only over the hash that was checked: a password changed meanwhile must not come back.
        unchanged = User.objects.filter(id=user.id, credential_version=user.credential_version)
        unchanged.update(password=make_password(raw))

    return hashing.check(password[:LONGEST], user.password, upgrade if fits else None) and fits


def owner(username: str) -> User | None:
    """The user of a username or an address, in any spelling that means the same."""
    clean = names.email if "@" in names.folded(username) else names.username
    try:
        return User.objects.get_by_natural_key(clean(username))
    except (WrongValue, User.DoesNotExist):
        return None


def change(caller: SignedIn, *, old_password: str, new_password: str) -> int:
    """Replace the caller's password and end every other session; how many ended."""
    user, session = caller.user, caller.session
    inspection = Inspection()
    inspect(inspection, "new_password", new_password, user=user)
    if _normal(new_password) == _normal(old_password):
        inspection.add("new_password", FieldErrorCode.PASSWORD_UNCHANGED)
    inspection.finish()
    with hashing.seat():
        _prove(caller, old_password)
        encoded = hashing.make(new_password)
    with transaction.atomic():
        _replace(user, encoded)
        ended = sessions.end_all(caller, keep_current=True, why="password changed")
        sessions.carry_over(session)
        events.record(caller, Kind.PASSWORD_CHANGED, user=user, session_id=session.id)
    # The rest of the same answer asks for sessions by the number that holds now.
    user.credential_version += 1
    return ended


def _normal(password: str) -> str:
    # In the form that is hashed, and measured: eight marks on four letters are four characters. No more of it
    # than can matter, since normalising is work as well.
    return unicodedata.normalize("NFC", password[: 4 * LONGEST])


def _prove(caller: SignedIn, old_password: str) -> None:
    tries = throttle.count_own(caller, "change_password", user=caller.user)
    with tries.judging():
        is_right = matches(caller.user, old_password)
    if not is_right:
        events.record(caller, Kind.PASSWORD_REFUSED, user=caller.user, session_id=caller.session.id)
        raise InvalidCredentials("The old password is wrong.", field="oldPassword")
    tries.forgive()


def _replace(user: User, encoded: str) -> None:
    # Of eight changes at once, each of which knew the old password, one wins.
    unchanged = User.objects.filter(id=user.id, credential_version=user.credential_version, is_active=True)
    if not unchanged.update(password=encoded, credential_version=user.credential_version + 1):
        raise Conflict
