"""The relying party and the challenge of all passkey ceremonies.

A ceremony that was only started is not stored, so a sign-in page with passkey autofill costs no SQL statement.
"""

from datetime import UTC, datetime, timedelta
from enum import Enum

from django.conf import settings
from django.utils import timezone

from users import secret_keys
from users.crypto import passkey_challenges
from users.crypto.webauthn import RelyingParty
from users.errors import FeatureDisabled, TokenExpired, TokenInvalid

CHALLENGE_LIFETIME = timedelta(minutes=10)
TIMEOUT = int(CHALLENGE_LIFETIME / timedelta(milliseconds=1))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Purpose(Enum):
    """The one ceremony that a challenge is valid for."""

    REGISTER = "register"
    SIGN_IN = "sign in"
    SECOND_FACTOR = "second factor"
    REAUTHENTICATE = "reauthenticate"


def is_enabled() -> bool:
    """Return whether this gateway offers passkeys."""
    return bool(settings.GATEWAY_PASSKEY_RP_ID)


def relying_party() -> RelyingParty:
    """Return the relying party of the settings; raise FeatureDisabled if there is none."""
    if not is_enabled():
        raise FeatureDisabled("This gateway does not offer passkeys.")
    return RelyingParty(settings.GATEWAY_PASSKEY_RP_ID, settings.GATEWAY_NAME, settings.GATEWAY_PASSKEY_ORIGINS)


def issue_challenge(purpose: Purpose, *, subject: str) -> bytes:
    """Return a new challenge for one purpose and one subject, such as a session."""
    key = secret_keys.keys("gateway.passkeys")[0]
    return passkey_challenges.issue(key, purpose=purpose.value, subject=subject, now=_microseconds(timezone.now()))


def check_challenge(challenge: bytes, purpose: Purpose, *, subject: str) -> int:
    """Return when the challenge was issued, in microseconds; raise TokenInvalid or TokenExpired if it is not valid."""
    keys = secret_keys.keys("gateway.passkeys")
    try:
        issued = passkey_challenges.read(challenge, keys, purpose=purpose.value, subject=subject)
    except passkey_challenges.Invalid:
        raise TokenInvalid("The passkey response is not for this operation. Request new options, then retry.") from None
    if issued <= _microseconds(timezone.now() - CHALLENGE_LIFETIME):
        raise TokenExpired("The passkey response came too late. Request new options, then retry.")
    return issued


def _microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)
