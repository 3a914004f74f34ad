"""`manage.py prune`: delete what is over."""

from typing import Any

from django.core.management.base import BaseCommand

from users import events, throttle
from users.accounts import registration
from users.mail import email_tokens, outbox
from users.sessions import sessions, signing_keys


class Command(BaseCommand):
    """Deletes what is over, and erases the accounts that were closed."""

    help = "Delete what is over, and erase closed accounts whose time has come; safe at any time, for a timer."

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete, and say how many."""
        prunes = {
            "accounts": registration,
            "counts": throttle,
            "sessions": sessions,
            "events": events,
            "proofs": email_tokens,
            "letters": outbox,
            "keys": signing_keys,
        }
        for name, rules in prunes.items():
            self.stdout.write(f"{rules.prune()} {name} deleted")
