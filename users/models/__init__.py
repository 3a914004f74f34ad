"""The data model: users, sessions, second factors, email tokens, events, rate-limit counters and signing keys."""

from users.models.attempts import Attempts
from users.models.email_token import EmailToken
from users.models.event import Event
from users.models.factors import Passkey, RecoveryCode, Totp
from users.models.session import Session
from users.models.signing_key import SigningKey
from users.models.user import BY_CLAIM, EMAIL_LENGTH, NAME_LENGTH, AsciiLower, User, UserManager

__all__ = [
    "BY_CLAIM",
    "EMAIL_LENGTH",
    "NAME_LENGTH",
    "AsciiLower",
    "Attempts",
    "EmailToken",
    "Event",
    "Passkey",
    "RecoveryCode",
    "Session",
    "SigningKey",
    "Totp",
    "User",
    "UserManager",
]
