"""The export of an account: everything that is stored about a user except secrets."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Model

from users.caller import SignedIn
from users.mfa import reauthentication
from users.models import Totp

USER_FIELDS = (
    "id",
    "username",
    "email",
    "is_email_verified",
    "full_name",
    "bio",
    "image_url",
    "date_joined",
    "last_login",
    "two_factor_since",
)
SESSION_FIELDS = (
    "device_name",
    "user_agent",
    "ip_address",
    "methods",
    "created_at",
    "reauthenticated_at",
    "rotated_at",
    "expires_at",
    "absolute_expires_at",
    "ended_at",
)
EVENT_FIELDS = ("kind", "at", "ip_address", "user_agent", "facts")
TOTP_FIELDS = ("created_at", "last_used_at")
PASSKEY_FIELDS = (
    "name",
    "credential_id",
    "rp_id",
    "aaguid",
    "is_backed_up",
    "transports",
    "created_at",
    "last_used_at",
)
RECOVERY_CODE_FIELDS = ("created_at",)
EMAIL_TOKEN_FIELDS = ("purpose", "address", "created_at", "expires_at")


def export(caller: SignedIn) -> dict[str, Any]:
    """Return everything that is stored about the caller except secrets, as plain values."""
    reauthentication.require_recent_second_factor(caller)
    user = caller.user
    apps, codes = Totp.objects.filter(user=user), user.recovery_codes.order_by("created_at", "id")
    return {
        **_row(user, USER_FIELDS),
        "roles": user.roles(),
        "sessions": [_row(each, SESSION_FIELDS) for each in user.sessions.order_by("created_at")],
        "authenticator_apps": [_row(each, TOTP_FIELDS) for each in apps],
        "passkeys": [_row(each, PASSKEY_FIELDS) for each in user.passkeys.order_by("created_at", "id")],
        "recovery_codes": [_row(each, RECOVERY_CODE_FIELDS) for each in codes],
        "events": [_row(each, EVENT_FIELDS) for each in user.events.order_by("at", "id").iterator()],
        "email_tokens": [_row(each, EMAIL_TOKEN_FIELDS) for each in user.email_tokens.order_by("created_at")],
    }


def _row(row: Model, names: Iterable[str]) -> dict[str, Any]:
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value) if isinstance(value, UUID) else value
