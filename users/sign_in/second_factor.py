"""The second step of a sign-in: a challenge of the first step, and a second factor."""

from datetime import timedelta
from typing import Any

from django.db import transaction

from users import events, throttle
from users.authentication_methods import Factor
from users.caller import Caller
from users.errors import FieldError, FieldErrorCode, InvalidCredentials, InvalidInput, TokenInvalid
from users.events import EventKind
from users.mail import factor_messages, outbox
from users.mfa import challenges, factors, passkeys
from users.mfa.challenges import Challenge
from users.mfa.passkey_ceremonies import Purpose
from users.models import User
from users.sessions.token_pairs import TokenPair
from users.sign_in import admission

WARNING_INTERVAL = timedelta(days=1)


def sign_in(caller: Caller, *, challenge: str, code: str | None = None, passkey: Any = None) -> TokenPair:
    """Complete a sign-in with a code of the user's app, a recovery code or a passkey."""
    if (code is None) == (passkey is None):
        kind = FieldErrorCode.REQUIRED if code is None else FieldErrorCode.INVALID
        raise InvalidInput(FieldError("code", kind, "Pass exactly one of code and passkey."))
    step = challenges.read(challenge)
    return _with_passkey(caller, step, passkey) if code is None else _with_code(caller, step, code)


def _with_passkey(caller: Caller, step: Challenge, passkey: Any) -> TokenPair:
    # Limited per client, by `passkeys`: it cannot be guessed, and its failures must not lock the user's codes.
    try:
        used = passkeys.verify(caller, passkey, Purpose.SECOND_FACTOR, subject=step.id, user=step.user)
    except InvalidCredentials:
        _refuse(caller, step.user)
        raise
    with transaction.atomic():
        lock(step)
        return admit(caller, step, passkeys.factor_of(used))


def _with_code(caller: Caller, step: Challenge, code: str) -> TokenPair:
    attempt = throttle.consume_second_factor(caller, user=step.user)
    with attempt.refund_on_outage(), transaction.atomic():
        lock(step)
        factor = factors.use_code(step.user, code)
        pair = admit(caller, step, factor) if factor else None
    if pair is None:
        _refuse(caller, step.user)
        raise InvalidCredentials("The code is wrong, or was already used.")
    attempt.reset()
    return pair


def lock(challenge: Challenge) -> None:
    """Lock the user's row; raise TokenInvalid if the password or the factors have changed since the first step."""
    user = challenge.user
    unchanged = User.objects.select_for_update().filter(
        id=user.id,
        credential_version=user.credential_version,
        factors_version=user.factors_version,
        is_active=True,
    )
    if unchanged.only("id").first() is None:
        raise TokenInvalid


def admit(caller: Caller, challenge: Challenge, factor: Factor) -> TokenPair:
    """Use up the challenge, and open the session. Call it in the transaction of `lock`."""
    challenges.redeem(challenge)
    factors.notify_if_recovery_code(caller, challenge.user, factor)
    return admission.admit(
        caller,
        challenge.user,
        factors=challenge.factors | {factor},
        attempt=challenge.attempt,
        device_name=challenge.device_name,
    )


def _refuse(caller: Caller, user: User) -> None:
    events.record(caller, EventKind.SECOND_FACTOR_REFUSED, user=user)
    # The client has passed the first step, so it may know the password of another user.
    if throttle.use_once("second_factor_warning", str(user.id), window=WARNING_INTERVAL):
        outbox.notify(caller, factor_messages.second_factor_refused, user=user)
