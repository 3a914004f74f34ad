"""The users app."""

from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.utils import timezone


class UsersConfig(AppConfig):
    """Accounts, and how they are proven."""

    name = "users"

    def ready(self) -> None:
        """Let the admin's sign-ins keep `last_login`; the gateway's own have written it already."""
        # Under the name that Django's own receiver has: whichever app is ready first, one of the two listens.
        user_logged_in.disconnect(dispatch_uid="update_last_login")
        user_logged_in.connect(keep_last_login, dispatch_uid="update_last_login")


def keep_last_login(request: Any, user: Any, **_: Any) -> None:
    """Write the moment of a sign-in that came through Django's own forms."""
    if request is not None:
        type(user).objects.filter(pk=user.pk).update(last_login=timezone.now())
