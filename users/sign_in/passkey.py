"""Sign-in with a passkey alone."""

from typing import Any

from django.conf import settings

from users import normalization
from users.caller import Caller
from users.errors import EmailNotVerified, FieldErrors
from users.mfa import passkeys
from users.mfa.passkey_ceremonies import Purpose
from users.sessions.token_pairs import TokenPair
from users.sign_in import admission
from users.throttle import Attempt


def sign_in(caller: Caller, *, passkey: Any, device_name: str | None = None) -> TokenPair:
    """Open a session for the user of this passkey. The user needs no username and no password."""
    errors = FieldErrors()
    device = errors.clean("device_name", normalization.device_name, device_name)
    errors.raise_if_any()
    used = passkeys.verify(caller, passkey, Purpose.SIGN_IN)
    if settings.GATEWAY_EMAIL_VERIFICATION == "required" and not used.user.is_email_verified:
        raise EmailNotVerified
    factors = [passkeys.factor_of(used)]
    return admission.admit(caller, used.user, factors=factors, attempt=Attempt([], []), device_name=device)
