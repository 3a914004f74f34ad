"""Admission: the last step of every sign-in, and the only place that opens sessions for it."""

from collections.abc import Collection

from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.utils import timezone

from users import authentication_methods, events, throttle
from users.authentication_methods import Factor
from users.caller import Caller
from users.errors import InvalidCredentials, SecondFactorRequired
from users.events import EventKind
from users.mail import messages, outbox
from users.mfa import challenges
from users.mfa import factors as second_factors
from users.models import User
from users.sessions import token_pairs
from users.sessions.token_pairs import TokenPair
from users.throttle import Attempt


def admit(caller: Caller, user: User, *, factors: Collection[Factor], attempt: Attempt, device_name: str) -> TokenPair:
    """Open a session, or raise SecondFactorRequired if the account needs another factor than these.

    Raise InvalidCredentials if the password or the factors changed, or the account was deactivated, since `user` was
    read.
    """
    if user.two_factor_since and not authentication_methods.is_two_factor(factors):
        raise _second_factor_required(caller, user, frozenset(factors), attempt=attempt, device_name=device_name)
    is_new_place = throttle.is_new_place(caller, user)
    now = timezone.now()
    with transaction.atomic():
        unchanged = User.objects.filter(
            id=user.id,
            credential_version=user.credential_version,
            factors_version=user.factors_version,
            is_active=True,
        )
        if not unchanged.update(last_login=now, erases_at=None):
            raise InvalidCredentials
        attempt.reset()
        events.record_reopening(caller, user=user)
        pair = token_pairs.issue(caller, user=user, factors=factors, device_name=device_name)
        events.record(caller, EventKind.SIGNED_IN, user=user, session_id=user.current_session_id)
        if is_new_place:
            outbox.notify(caller, messages.new_device, user=user, device=device_name)
    user.last_login, user.erases_at = now, None
    user_logged_in.send(sender=User, request=None, user=user)
    return token_pairs.move_to_cookie(caller, pair)


def _second_factor_required(
    caller: Caller, user: User, factors: frozenset[Factor], *, attempt: Attempt, device_name: str
) -> SecondFactorRequired:
    # The attempt stays counted until the second step. Nothing else changes: no last sign-in, no reopened account, no
    # known place.
    events.record(caller, EventKind.SECOND_FACTOR_REQUESTED, user=user)
    return SecondFactorRequired(
        challenge=challenges.create(user, factors=factors, device_name=device_name, attempt=attempt),
        methods=[method.name for method in second_factors.methods(user)],
        expires_in=int(challenges.LIFETIME.total_seconds()),
    )
