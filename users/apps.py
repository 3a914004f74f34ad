"""The users app."""

from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.utils import timezone


class UsersConfig(AppConfig):
    """Accounts, sessions and tokens."""

    name = "users"

    def ready(self) -> None:
        """Replace Django's receiver that updates `last_login`: the rules of sign-in have written it already."""
        # Under the name of Django's own receiver, so that only one of the two is connected, in any order of apps.
        user_logged_in.disconnect(dispatch_uid="update_last_login")
        user_logged_in.connect(update_last_login, dispatch_uid="update_last_login")


def update_last_login(request: Any, user: Any, **_: Any) -> None:
    """Update `last_login` after a sign-in through Django's own forms."""
    if request is not None:
        type(user).objects.filter(pk=user.pk).update(last_login=timezone.now())
