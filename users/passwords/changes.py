"""Passwords: judged by one policy, compared whole, changed by one winner at a time, replaced by who reads the mail."""

import unicodedata
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from users import events, normalization, throttle
from users.caller import Caller, SignedIn
from users.compiled_query import CompiledQuery, parameter
from users.errors import (
    Conflict,
    FieldErrorCode,
    Forbidden,
    Inspection,
    InvalidCredentials,
    TokenInvalid,
    WrongValue,
)
from users.events import Kind
from users.mail import email_tokens, messages, outbox
from users.mail.email_tokens import Purpose
from users.models import BY_CLAIM, User
from users.passwords import hashing
from users.sessions import sessions

LONGEST = 256
# Before normalization, which composes up to four characters into one and takes quadratic time in combining marks.
LONGEST_TYPED = 4 * LONGEST


def inspect(inspection: Inspection, field: str, password: str, *, user: User) -> None:
    """Note everything that keeps a text from being this user's password."""
    typed, password = password, _normal(password)
    if not password:
        inspection.add(field, FieldErrorCode.REQUIRED, "Enter a password.")
    elif len(typed) > LONGEST_TYPED or len(password) > LONGEST:
        inspection.add(field, FieldErrorCode.TOO_LONG, f"Use at most {LONGEST} characters.")
    else:
        try:
            validate_password(password, user)
        except ValidationError as refusal:
            for error in refusal.error_list:
                code = FieldErrorCode[str(error.code).upper()]
                inspection.add(field, code, " ".join(error.messages))


def matches(caller: Caller, user: User | None, password: str, *, account: str) -> bool:
    """Return whether the password is this user's; one hash in every case, so that the time does not reveal which.

    `account` is a name for the account in the hashing queue, also where there is no user.
    """
    typed, password = password, _normal(password)
    # A longer one cannot be anyone's; its beginning is hashed all the same, at the same cost.
    fits = 0 < len(password) <= LONGEST and len(typed) <= LONGEST_TYPED
    if user is None or not user.has_usable_password():
        hashing.hash_password(caller, password[:LONGEST], account=account)
        return False

    def upgrade(encoded: str) -> None:
        # Only over the hash that was checked: a password changed meanwhile must not come back.
        unchanged = User.objects.filter(id=user.id, credential_version=user.credential_version)
        unchanged.update(password=encoded)

    is_correct = hashing.check_password(
        caller, password[:LONGEST], user.password, account=account, upgrade=upgrade if fits else None
    )
    return is_correct and fits


def owner(username: str) -> User | None:
    """Return the user with this username or email, ignoring case and Unicode form.

    Several accounts may claim an email until one verifies it: the one that did comes first, then the oldest.
    """
    is_email = "@" in normalization.folded(username)
    clean, find = (normalization.email, _by_email) if is_email else (normalization.username, _by_username)
    try:
        return find.first(key=clean(username).lower())
    except WrongValue:
        return None


def require(inspection: Inspection, password: str | None, *, user: User) -> None:
    """Note a missing password; raise Forbidden where the account has no password to compare it with."""
    _refuse_without_password(user)
    if password is None:
        inspection.add("password", FieldErrorCode.REQUIRED, "Enter your password.")


def prove(caller: SignedIn, password: str, *, argument: str = "password") -> None:
    """Raise InvalidCredentials unless the password is the caller's."""
    _refuse_without_password(caller.user)
    tries = throttle.count_own(caller, "own_password", user=caller.user)
    with tries.judging():
        is_right = matches(caller, caller.user, password, account=str(caller.user.id))
    if not is_right:
        events.record(caller, Kind.PASSWORD_REFUSED, user=caller.user, session_id=caller.session.id)
        raise InvalidCredentials("The password is wrong.", field=argument)
    tries.reset()


def change(caller: SignedIn, *, old_password: str, new_password: str) -> int:
    """Replace the caller's password and end every other session; how many ended."""
    user, session = caller.user, caller.session
    inspection = Inspection()
    inspect(inspection, "new_password", new_password, user=user)
    if _normal(new_password) == _normal(old_password):
        inspection.add("new_password", FieldErrorCode.PASSWORD_UNCHANGED)
    inspection.finish()
    prove(caller, old_password, argument="oldPassword")
    encoded = hashing.hash_password(caller, new_password, account=str(user.id))
    with transaction.atomic():
        if not _replace(user, encoded):
            raise Conflict
        ended = sessions.end_all_held(caller, keep_current=True, why="password changed")
        sessions.carry_over(session)
        events.record(caller, Kind.PASSWORD_CHANGED, user=user, session_id=session.id)
        outbox.notify(caller, messages.password_changed, user=user)
    # The rest of the same answer asks for sessions by the number that holds now.
    user.credential_version += 1
    if caller.keeper:
        caller.keeper.remember(user)
    return ended


def request_reset(caller: Caller, *, email: str) -> None:
    """Have a mail sent to whoever has the address, to choose a new password by; the same where nobody has it."""
    address = outbox.admit(caller, email, to="reset")
    capped = outbox.is_capped(address, to="reset")
    user = owner(address)
    with transaction.atomic():
        events.record(caller, Kind.PASSWORD_RESET_REQUESTED, user=user)
        outbox.queue(caller, messages.reset_password, user=None, address=address, capped=capped)


def reset(caller: Caller, *, token: str, new_password: str, email: str | None = None) -> tuple[User, int]:
    """Replace the password of who brings the token back, or the code; end all sessions, and say how many."""
    proof = email_tokens.find(caller, Purpose.RESET, token=token, email=email)
    user, inspection = proof.user, Inspection()
    # What is refused here uses nothing up: another try may follow.
    inspect(inspection, "new_password", new_password, user=user)
    inspection.finish()
    encoded = hashing.hash_password(caller, new_password, account=str(user.id))
    with transaction.atomic():
        # Whoever has the mail has the address: this proves it as well.
        proven = {} if user.is_email_verified else {"is_email_verified": True, "erases_at": None}
        others = email_tokens.lock_claims(user, user.email)
        if not _replace(user, encoded, **proven):
            raise TokenInvalid
        email_tokens.use(proof)
        email_tokens.void_claims(user, user.email, others)
        ended = sessions.end_all_of(caller, user=user, why="password reset")
        events.record(caller, Kind.PASSWORD_RESET, user=user)
        if proven:
            events.record(caller, Kind.EMAIL_VERIFIED, user=user)
            events.record_reopening(caller, user=user)
            user.is_email_verified = True
        outbox.notify(caller, messages.password_changed, user=user)
    # The answer lists the sessions of the new version: those opened before have ended.
    user.credential_version += 1
    throttle.forget_sign_ins(caller, user=user)
    return user, ended


def _refuse_without_password(user: User) -> None:
    # Without a password there is nothing that proves who holds the session, so nothing may be omitted either.
    if not user.has_usable_password():
        raise Forbidden("This account has no password. Set one with requestPasswordReset, then try again.")


def _normal(password: str) -> str:
    # The form that is hashed and measured: eight marks on four letters are four characters.
    return unicodedata.normalize("NFC", password[:LONGEST_TYPED])


def _replace(user: User, encoded: str, **changes: Any) -> bool:
    # Of eight changes at once, each of which knew the old password, one wins; none, where the address has changed.
    same = User.objects.filter(id=user.id, credential_version=user.credential_version, email=user.email, is_active=True)
    try:
        with transaction.atomic():
            return bool(same.update(password=encoded, credential_version=user.credential_version + 1, **changes))
    except IntegrityError:
        raise Conflict("Another account has this email.") from None


_by_username = CompiledQuery(lambda: User.objects.filter(username_key=parameter("key", User.username_key)))
_by_email = CompiledQuery(
    lambda: User.objects.filter(email_key=parameter("key", User.email_key)).order_by(*BY_CLAIM)[:1]
)
