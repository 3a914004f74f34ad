"""Passkey assertions: the options for the browser, and the passkey that answered them.

1. Each assertion works once. Its challenge must be newer than the last one that the passkey answered; one conditional
   UPDATE decides this together with the counter, so of several concurrent uses one wins.
2. Failures are counted per client, never per user: strangers must not lock the owner out.
"""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from users import events, throttle
from users.authentication_methods import Factor
from users.caller import Caller
from users.compiled_query import CompiledQuery, parameter
from users.crypto import webauthn
from users.crypto.access_tokens import Expired, Invalid
from users.errors import (
    FieldError,
    FieldErrorCode,
    InvalidCredentials,
    InvalidInput,
    Reason,
    Refusal,
    TokenInvalid,
    Unauthenticated,
)
from users.events import EventKind
from users.mail import factor_messages, outbox
from users.mfa import challenges, passkey_ceremonies
from users.mfa.passkey_ceremonies import Purpose
from users.models import Passkey, User
from users.sessions import access_tokens

MAX_LOGGED_REASON = 200
log = logging.getLogger("gateway.passkeys")


def list_all(user: User) -> QuerySet[Passkey]:
    """Return the user's passkeys, oldest first."""
    return user.passkeys.order_by("created_at", "id")


def exists(user: User) -> bool:
    """Return whether the user has a passkey that works for this gateway."""
    rp_id = settings.GATEWAY_PASSKEY_RP_ID
    return bool(rp_id) and user.passkeys.filter(rp_id=rp_id).exists()


def options(caller: Caller, *, challenge: str | None = None) -> dict[str, Any]:
    """Return options for navigator.credentials.get().

    They are for the second step of the sign-in with this challenge, for reauthentication if the caller has an access
    token, and for a sign-in otherwise. They list no passkeys, so they reveal nothing about accounts.
    """
    rp = passkey_ceremonies.relying_party()
    if challenge is not None:
        purpose, subject = Purpose.SECOND_FACTOR, challenges.read_id(challenge)
    elif caller.token is not None:
        purpose, subject = Purpose.REAUTHENTICATE, _session_id(caller.token)
    else:
        purpose, subject = Purpose.SIGN_IN, ""
    nonce = passkey_ceremonies.issue_challenge(purpose, subject=subject)
    return webauthn.request_options(rp, challenge=nonce, timeout=passkey_ceremonies.TIMEOUT)


def verify(caller: Caller, assertion: Any, purpose: Purpose, *, subject: str = "", user: User | None = None) -> Passkey:
    """Return the passkey that made the assertion, with its user; raise a Refusal if it may not be used.

    With `user`, passkeys of other users are refused.
    """
    rp = passkey_ceremonies.relying_party()
    try:
        credential = webauthn.parse_assertion(assertion)
    except webauthn.Malformed:
        raise malformed() from None
    with refusals_limited(caller):
        challenge = webauthn.challenge_of(credential)
        issued = passkey_ceremonies.check_challenge(challenge, purpose, subject=subject)
        passkey = _find(credential.raw_id)
        _require_owner(passkey, user)
        verified = webauthn.verify_assertion(
            rp,
            credential,
            challenge=challenge,
            public_key=passkey.public_key,
            user_handle=passkey.user.id.bytes,
            is_backup_eligible=passkey.is_backup_eligible,
        )
        _store_use(caller, passkey, verified, issued)
    return passkey


@contextmanager
def refusals_limited(caller: Caller) -> Iterator[None]:
    """Count refusals for the client, and log the reasons of those that clients do not see."""
    try:
        yield
    except (webauthn.Refused, Refusal) as refusal:
        throttle.consume(caller, throttle.buckets("passkey_client", throttle.place(caller)))
        if isinstance(refusal, Refusal):
            raise
        log.info("refused a passkey: %a", str(refusal)[:MAX_LOGGED_REASON])
        raise InvalidCredentials("The passkey could not be verified.") from None


def factor_of(passkey: Passkey) -> Factor:
    """Return the factor that the use of the passkey is. Only a passkey that cannot be copied is bound to a device."""
    return Factor.SYNCED_PASSKEY if passkey.is_backup_eligible else Factor.DEVICE_PASSKEY


def malformed() -> InvalidInput:
    """Return the error of a value that is not the JSON form of a credential."""
    message = "Pass the object that PublicKeyCredential.toJSON() returns."
    return InvalidInput(FieldError("passkey", FieldErrorCode.INVALID, message))


def credential_key(credential_id: bytes) -> str:
    """Return the value by which the database finds a credential id."""
    return hashlib.sha256(credential_id).hexdigest()


def _session_id(token: str) -> str:
    # Without a statement: the reauthentication checks that the session is live.
    try:
        return str(access_tokens.read(token)["sid"])
    except Expired:
        raise Unauthenticated(Reason.TOKEN_EXPIRED) from None
    except Invalid:
        raise Unauthenticated(Reason.TOKEN_INVALID) from None


def _find(credential_id: bytes) -> Passkey:
    passkey = _by_key.first(key=credential_key(credential_id))
    if passkey is None:
        # Browsers then hide the passkey: PublicKeyCredential.signalUnknownCredential().
        raise InvalidCredentials("This passkey belongs to no account.", reason="UNKNOWN_PASSKEY")
    return passkey


def _require_owner(passkey: Passkey, user: User | None) -> None:
    if not passkey.user.is_active or (user is not None and passkey.user_id != user.id):
        raise webauthn.Refused("the passkey belongs to another or an inactive user")


def _store_use(caller: Caller, passkey: Passkey, verified: webauthn.Assertion, issued: int) -> None:
    now, count = timezone.now(), verified.sign_count
    # Synchronised passkeys always report 0.
    grows = Q(sign_count__lt=count) if count else Q(sign_count=0)
    unused = Passkey.objects.filter(grows, id=passkey.id, answered_challenge_at__lt=issued)
    change = {"sign_count": count, "answered_challenge_at": issued, "last_used_at": now}
    if unused.update(is_backed_up=verified.is_backed_up, **change):
        return
    current = Passkey.objects.filter(id=passkey.id).first()
    if current is None or current.answered_challenge_at >= issued:
        raise TokenInvalid("The passkey response was already used. Request new options, then retry.")
    # The response is new and has a valid signature, but the counter is old: two authenticators have the key.
    events.record(caller, EventKind.PASSKEY_REFUSED, user=passkey.user, passkey=str(passkey.id))
    if throttle.try_consume(outbox.unrequested_buckets(passkey.user.email)):
        outbox.queue(caller, factor_messages.passkey_refused, user=passkey.user, passkey=passkey.name)
    raise InvalidCredentials("The passkey could not be verified.")


_by_key = CompiledQuery(
    lambda: Passkey.objects.filter(credential_key=parameter("key", Passkey.credential_key)), related="user"
)
