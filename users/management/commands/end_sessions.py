"""`manage.py end_sessions`: end all sessions of some users or, after restoring a backup, of all users."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from users import lookup
from users.caller import Caller
from users.mail import email_tokens, outbox
from users.sessions import sessions

WHY = "ended by the operator"


class Command(BaseCommand):
    """Ends sessions from the command line."""

    help = "End all sessions of the given users. --all ends all sessions, and withdraws unused links and queued mails."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the users and --all."""
        parser.add_argument("names", nargs="*", metavar="user", help="a username or email")
        parser.add_argument(
            "--all", action="store_true", help="end the sessions of all users; use it after restoring a backup"
        )

    def handle(self, *, names: list[str], all: bool, **options: Any) -> None:
        """End the sessions, and print how many ended."""
        if bool(names) == all:
            raise CommandError("Give users or --all, not both.")
        for line in self._of_everybody() if all else map(self._of, names):
            self.stdout.write(line)

    def _of(self, name: str) -> str:
        user = lookup.find_by_login(name)
        if user is None:
            raise CommandError(f"No user has the username or email {name}.")
        return f"{sessions.end_all_of_user(Caller(), user=user, reason=WHY)} sessions of {name} ended"

    def _of_everybody(self) -> list[str]:
        # A backup restores sessions, links and mails that were ended, used or sent after it was made.
        return [
            f"{sessions.end_all_users(reason=WHY)} sessions ended",
            f"{email_tokens.revoke_all()} mailed links withdrawn",
            f"{outbox.delete_all()} mails discarded",
        ]
