"""Setup of an authenticator app: nothing is stored until the user has entered a code of it."""

from dataclasses import dataclass
from datetime import timedelta

import segno
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from users import events, sealed_tokens
from users.authentication_methods import Factor
from users.caller import SignedIn
from users.crypto import totp as crypto
from users.errors import InvalidCredentials, NotFound, TokenInvalid
from users.events import EventKind
from users.mail import factor_messages, outbox
from users.mfa import factors, reauthentication, totp
from users.sessions import sessions

LIFETIME = timedelta(minutes=15)
PURPOSE = "totp_setup"
# Pixels for each square of the QR code.
QR_SCALE = 4


@dataclass(frozen=True, slots=True)
class Setup:
    """A secret to enter into an app, and the sealed token that stores it later."""

    setup: str
    secret: str
    uri: str
    qr_code: str


@dataclass(frozen=True, slots=True)
class Enabled:
    """New recovery codes, if there are any, and how many other sessions ended."""

    recovery_codes: list[str] | None
    ended_sessions: int


def begin(caller: SignedIn) -> Setup:
    """Return a new secret. Nothing is stored."""
    factors.require_verified_email(caller.user)
    reauthentication.require_recent(caller)
    secret = crypto.new_secret()
    uri = crypto.uri(secret, account=caller.user.username, issuer=settings.GATEWAY_NAME)
    # With a white background, because scanners need it on dark pages.
    qr_code = segno.make_qr(uri).svg_data_uri(scale=QR_SCALE, light="#fff")
    setup = sealed_tokens.seal(PURPOSE, lifetime=LIFETIME, secret=secret, **_binding(caller))
    return Setup(setup, secret, uri, qr_code)


def confirm(caller: SignedIn, *, setup: str, code: str) -> Enabled:
    """Store the secret of a setup if the code is right, turn on two-factor authentication, end all other sessions."""
    user, session = caller.user, caller.session
    facts = sealed_tokens.unseal(PURPOSE, setup)
    secret = facts.pop("secret")
    if facts != _binding(caller):
        raise TokenInvalid
    step = crypto.matching_step(secret, factors.clean_code(code), timezone.now().timestamp())
    if step is None:
        raise InvalidCredentials("The code is wrong. Check the clock of the device that shows it.", field="code")
    with transaction.atomic():
        factors.begin_change(user)
        # The step is used: the code of the setup does not sign in.
        totp.store(user, secret=secret, used_step=step)
        events.record(caller, EventKind.TOTP_ADDED, user=user, session_id=session.id)
        codes = factors.enable(caller, user)
        if codes is None:
            outbox.notify(caller, factor_messages.totp_added, user=user)
        sessions.record_authentication(session, Factor.TOTP)
        ended = sessions.end_all_locked(caller, keep_current=True, reason="authenticator app added")
    return Enabled(codes, ended)


def remove(caller: SignedIn) -> None:
    """Delete the caller's app. Two-factor authentication is off if no other factor is left."""
    user = caller.user
    reauthentication.require_recent(caller)
    with transaction.atomic():
        factors.begin_change(user)
        if not totp.delete(user):
            raise NotFound("The account has no authenticator app.")
        events.record(caller, EventKind.TOTP_REMOVED, user=user, session_id=caller.session.id)
        factors.notify_removed(caller, user, factor_messages.totp_removed)


def _binding(caller: SignedIn) -> dict[str, object]:
    # A setup is for one session, and dies with any change of the password or the factors, such as its own use.
    user = caller.user
    return {"session": str(caller.session.id), "versions": [user.credential_version, user.factors_version]}
