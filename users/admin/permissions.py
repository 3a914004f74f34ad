"""Permissions of the admin.

Superusers may do everything. Other staff need Django's permissions, never change the accounts of staff, their own
included, and never change privileges: staff and superuser flags, groups and permissions.
"""

from typing import Any

from django.http import HttpRequest

from users.models import User


class ReadOnly:
    """Allows viewing only."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: only the gateway adds rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: only the gateway changes rows."""
        return False


def may_change(request: HttpRequest, user: User) -> bool:
    """Return whether the signed-in user may change this account; only superusers change accounts of staff."""
    return request.user.is_superuser or not (user.is_staff or user.is_superuser)
