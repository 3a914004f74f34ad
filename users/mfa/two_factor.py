"""Two-factor authentication: turned on and off by the user."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from users import events
from users.authentication_methods import AuthenticationMethod
from users.caller import SignedIn
from users.errors import TwoFactorSetupRequired
from users.events import EventKind
from users.mail import factor_messages, outbox
from users.mfa import factors, passkeys, reauthentication, recovery_codes, totp
from users.mfa.totp_setup import Enabled
from users.models import Passkey, Session, User
from users.sessions import sessions


@dataclass(frozen=True, slots=True)
class Security:
    """The protection of an account, and the permissions of the current session."""

    two_factor_enabled: bool
    has_password: bool
    totp_enabled: bool
    passkeys: list[Passkey]
    recovery_codes_remaining: int
    reauthenticated_until: datetime | None
    reauthentication_methods: list[AuthenticationMethod]


def security(user: User) -> Security:
    """Return how the account is protected. Raise Forbidden if no session of the user is part of the request."""
    session = Session.objects.get(user=sessions.require_session(user), id=str(user.current_session_id))
    return Security(
        two_factor_enabled=user.two_factor_since is not None,
        has_password=user.has_usable_password(),
        totp_enabled=totp.exists(user),
        passkeys=list(passkeys.list_all(user)),
        recovery_codes_remaining=recovery_codes.count(user),
        reauthenticated_until=reauthentication.recent_until(session, user),
        reauthentication_methods=reauthentication.methods(user),
    )


def set_enabled(caller: SignedIn, *, enabled: bool) -> Enabled:
    """Turn two-factor authentication on or off. Turning it on ends all other sessions."""
    user = caller.user
    if enabled:
        factors.require_verified_email(user)
        if not factors.has_factor(user):
            raise TwoFactorSetupRequired("Add an authenticator app or a passkey first.")
    # Turning it on requires a code or a passkey, which also shows that the user still has it.
    reauthentication.require_recent(caller, needs_second_factor=enabled)
    if enabled == (user.two_factor_since is not None):
        return Enabled(None, 0)
    with transaction.atomic():
        factors.begin_change(user)
        if not enabled:
            factors.disable(caller, user)
            return Enabled(None, 0)
        codes = factors.enable(caller, user)
        ended = sessions.end_all_locked(caller, keep_current=True, reason="two-factor authentication enabled")
    return Enabled(codes, ended)


def regenerate_recovery_codes(caller: SignedIn) -> list[str]:
    """Replace the caller's recovery codes, and return the new ones."""
    user = caller.user
    if user.two_factor_since is None:
        raise TwoFactorSetupRequired
    reauthentication.require_recent(caller)
    with transaction.atomic():
        factors.begin_change(user)
        codes = recovery_codes.replace(user)
        events.record(caller, EventKind.RECOVERY_CODES_REGENERATED, user=user, session_id=caller.session.id)
        outbox.notify(caller, factor_messages.recovery_codes_regenerated, user=user)
    return codes
