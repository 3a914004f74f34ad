"""`manage.py reset_second_factors`: remove the second factors of a user who has lost them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from users import lookup
from users.caller import Caller
from users.mfa import factors


class Command(BaseCommand):
    """Removes all second factors of a user."""

    help = (
        "Remove all second factors of a user who has lost them, and end the user's sessions. The password stays. Make "
        "sure that the request comes from the user."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the user and --reason."""
        parser.add_argument("name", metavar="user", help="a username or email")
        parser.add_argument("--reason", default="lost", help="the reason, for the user's events")

    def handle(self, *, name: str, reason: str, **options: Any) -> None:
        """Remove the factors, and print how many sessions ended."""
        user = lookup.find_by_login(name)
        if user is None:
            raise CommandError(f"No user has the username or email {name}.")
        ended = factors.reset(Caller(), user, reason=reason, by="operator")
        self.stdout.write(f"second factors of {user.username} removed, {ended} sessions ended")
