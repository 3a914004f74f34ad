"""The export of an account: everything that is stored about a user except secrets."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Model

from users.models import User

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
)
SESSION_FIELDS = (
    "device_name",
    "user_agent",
    "ip_address",
    "created_at",
    "rotated_at",
    "expires_at",
    "absolute_expires_at",
    "ended_at",
)
EVENT_FIELDS = ("kind", "at", "ip_address", "user_agent", "facts")
EMAIL_TOKEN_FIELDS = ("purpose", "address", "created_at", "expires_at")


def export(user: User) -> dict[str, Any]:
    """Return everything that is stored about a user except secrets, as plain values."""
    return {
        **_row(user, USER_FIELDS),
        "roles": user.roles(),
        "sessions": [_row(each, SESSION_FIELDS) for each in user.sessions.order_by("created_at")],
        "events": [_row(each, EVENT_FIELDS) for each in user.events.order_by("at", "id").iterator()],
        "email_tokens": [_row(each, EMAIL_TOKEN_FIELDS) for each in user.email_tokens.order_by("created_at")],
    }


def _row(row: Model, names: Iterable[str]) -> dict[str, Any]:
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value) if isinstance(value, UUID) else value
