"""`manage.py end_sessions`: sign users out everywhere, or everybody, as after the restoring of a backup."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from users.caller import Caller
from users.mail import email_tokens, outbox
from users.passwords import changes
from users.sessions import sessions

WHY = "ended by the operator"


class Command(BaseCommand):
    """Ends sessions from the command line."""

    help = "End all sessions of some users, or, with --all, of everybody, with what was mailed and is not used yet."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose sessions."""
        parser.add_argument("names", nargs="*", metavar="user", help="a username or an address")
        parser.add_argument("--all", action="store_true", help="everybody's: to be done after restoring a backup")

    def handle(self, *, names: list[str], all: bool, **options: Any) -> None:
        """End them, and say how many."""
        if bool(names) == all:
            raise CommandError("Name users, or say --all.")
        for line in self._of_everybody() if all else map(self._of, names):
            self.stdout.write(line)

    def _of(self, name: str) -> str:
        user = changes.owner(name)
        if user is None:
            raise CommandError(f"There is no user {name}.")
        return f"{sessions.end_all_of(Caller(), user=user, why=WHY)} sessions of {name} ended"

    def _of_everybody(self) -> list[str]:
        # A backup brings back what was ended, used and sent since it was made.
        return [
            f"{sessions.end_everyones(why=WHY)} sessions ended",
            f"{email_tokens.withdraw_everyones()} mailed links withdrawn",
            f"{outbox.discard()} letters discarded",
        ]
