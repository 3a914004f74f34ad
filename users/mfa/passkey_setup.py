"""The setup of passkeys: they are added, renamed and removed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from users import events, normalization
from users.caller import SignedIn
from users.crypto import webauthn
from users.crypto.webauthn import Descriptor, Registration, RelyingParty
from users.errors import (
    FieldError,
    FieldErrorCode,
    FieldErrors,
    InvalidInput,
    LastSignInMethod,
    NotFound,
)
from users.events import EventKind
from users.mail import factor_messages, outbox
from users.mfa import factors, passkey_authenticators, passkey_ceremonies, passkeys, reauthentication
from users.mfa.passkey_ceremonies import Purpose
from users.models import Passkey
from users.sessions.sessions import MAX_ID_LENGTH

MAX_PASSKEYS = 10
DEFAULT_NAME = "Passkey"


def registration_options(caller: SignedIn) -> dict[str, Any]:
    """Return options for navigator.credentials.create(). Browsers refuse authenticators that already have a passkey."""
    user, rp = caller.user, passkey_ceremonies.relying_party()
    factors.require_verified_email(user)
    reauthentication.require_recent(caller)
    held = list(passkeys.list_all(user))
    _refuse_too_many(len(held))
    return webauthn.creation_options(
        rp,
        challenge=passkey_ceremonies.issue_challenge(Purpose.REGISTER, subject=_subject(caller)),
        timeout=passkey_ceremonies.TIMEOUT,
        user_handle=user.id.bytes,
        username=user.username,
        display_name=user.full_name or user.username,
        exclude=[Descriptor(each.credential_id, each.transports) for each in held],
    )


def register(caller: SignedIn, *, passkey: Any, name: str | None = None) -> Passkey:
    """Add the passkey that the browser created, and return it. Without a name, it is called after its authenticator."""
    rp, errors, user = passkey_ceremonies.relying_party(), FieldErrors(), caller.user
    clean_name = errors.clean("name", normalization.device_name, name)
    errors.raise_if_any()
    registration, issued = _verify(caller, rp, passkey)
    aaguid = UUID(registration.aaguid)
    row = Passkey(
        user=user,
        credential_key=passkeys.credential_key(webauthn.to_bytes(registration.credential_id)),
        credential_id=registration.credential_id,
        public_key=registration.public_key,
        sign_count=registration.sign_count,
        answered_challenge_at=issued,
        rp_id=rp.id,
        aaguid=aaguid,
        is_backup_eligible=registration.is_backup_eligible,
        is_backed_up=registration.is_backed_up,
        transports=registration.transports,
        name=clean_name or passkey_authenticators.name_of(aaguid) or DEFAULT_NAME,
        created_at=timezone.now(),
    )
    with _taken_refused(), transaction.atomic():
        factors.begin_change(user)
        _refuse_too_many(user.passkeys.count())
        row.save(force_insert=True)
        events.record(caller, EventKind.PASSKEY_ADDED, user=user, session_id=caller.session.id, passkey=str(row.id))
        outbox.notify(caller, factor_messages.passkey_added, user=user, passkey=row.name)
    return row


def rename(caller: SignedIn, *, id: str, name: str) -> Passkey:
    """Give one of the caller's passkeys another name, and return it."""
    errors = FieldErrors()
    clean_name = errors.clean("name", normalization.device_name, name)
    if not clean_name and not errors.errors:
        errors.add("name", FieldErrorCode.REQUIRED, "Enter a name.")
    errors.raise_if_any()
    passkey = _find_own(caller, id)
    if not Passkey.objects.filter(id=passkey.id).update(name=clean_name):
        raise NotFound
    passkey.name = clean_name
    return passkey


def remove(caller: SignedIn, *, id: str) -> UUID:
    """Remove one of the caller's passkeys, and return its id."""
    reauthentication.require_recent(caller)
    passkey, user = _find_own(caller, id), caller.user
    if not user.has_usable_password() and not user.passkeys.exclude(id=passkey.id).exists():
        raise LastSignInMethod
    with transaction.atomic():
        factors.begin_change(user)
        if not Passkey.objects.filter(id=passkey.id).delete()[0]:
            raise NotFound
        events.record(
            caller, EventKind.PASSKEY_REMOVED, user=user, session_id=caller.session.id, passkey=str(passkey.id)
        )
        factors.notify_removed(caller, user, factor_messages.passkey_removed, passkey=passkey.name)
    return passkey.id


def _verify(caller: SignedIn, rp: RelyingParty, value: Any) -> tuple[Registration, int]:
    try:
        credential = webauthn.parse_registration(value)
    except webauthn.Malformed:
        raise passkeys.malformed() from None
    with passkeys.refusals_limited(caller):
        challenge = webauthn.challenge_of(credential)
        issued = passkey_ceremonies.check_challenge(challenge, Purpose.REGISTER, subject=_subject(caller))
        return webauthn.verify_registration(rp, credential, challenge=challenge), issued


def _subject(caller: SignedIn) -> str:
    # Any change of the password or the factors makes the challenge invalid, and so does its use.
    user = caller.user
    return f"{caller.session.id} {user.id} {user.credential_version} {user.factors_version}"


def _find_own(caller: SignedIn, id: str) -> Passkey:
    try:
        found = caller.user.passkeys.filter(id=UUID(id)).first() if len(id) <= MAX_ID_LENGTH else None
    except ValueError:
        found = None
    if found is None:
        raise NotFound
    return found


def _refuse_too_many(count: int) -> None:
    if count >= MAX_PASSKEYS:
        message = f"The account already has {MAX_PASSKEYS} passkeys. Remove one first."
        raise InvalidInput(FieldError("passkey", FieldErrorCode.TOO_MANY, message))


@contextmanager
def _taken_refused() -> Iterator[None]:
    # The constraint of the database decides every race.
    try:
        yield
    except IntegrityError:
        message = "This passkey is already registered."
        raise InvalidInput(FieldError("passkey", FieldErrorCode.TAKEN, message)) from None
