"""Sign-in with a password."""

from django.conf import settings

from users import events, lookup, normalization, throttle
from users.authentication_methods import Factor
from users.caller import Caller
from users.errors import EmailNotVerified, FieldErrors, InvalidCredentials
from users.events import EventKind
from users.models import User
from users.passwords import verification
from users.sessions.token_pairs import TokenPair
from users.sign_in import admission


def sign_in(caller: Caller, *, username: str, password: str, device_name: str | None = None) -> TokenPair:
    """Open a session for the user with this username or email and password.

    An unknown user, a wrong password and an inactive user are the same error, and take the same time.
    """
    errors = FieldErrors()
    device = errors.clean("device_name", normalization.device_name, device_name)
    errors.raise_if_any()
    user, name = lookup.find_by_login(username), normalization.fold(username)
    attempt = throttle.consume_sign_in(caller, name=name, user=user)
    with attempt.refund_on_outage():
        is_correct = verification.is_correct(caller, user, password, account=name)
    if not is_correct or user is None or not user.is_active or _is_unverified_login(user, username):
        # Without the username that was typed: people type passwords into that field.
        events.record(caller, EventKind.SIGN_IN_REFUSED, user=user)
        raise InvalidCredentials
    if not user.is_email_verified and (_is_email_required() or normalization.is_unusable_email(user.email)):
        # The attempt stays counted, which bounds the events that it writes.
        events.record(caller, EventKind.SIGN_IN_REFUSED, user=user, reason="email not verified")
        raise EmailNotVerified
    return admission.admit(caller, user, factors=[Factor.PASSWORD], attempt=attempt, device_name=device)


def _is_unverified_login(user: User, login: str) -> bool:
    # Where emails must be verified, an unverified one is no login: registering an email and then signing in with it
    # would reveal whether the email has an owner.
    return _is_email_required() and not user.is_email_verified and "@" in normalization.fold(login)


def _is_email_required() -> bool:
    return bool(settings.GATEWAY_EMAIL_VERIFICATION == "required")
