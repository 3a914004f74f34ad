"""`manage.py prune`: delete expired rows and erase closed accounts."""

from typing import Any

from django.core.management.base import BaseCommand

from users import events, throttle
from users.accounts import deletion
from users.mail import email_tokens, outbox
from users.sessions import sessions, signing_keys


class Command(BaseCommand):
    """Deletes expired rows, and erases closed accounts after their grace period."""

    help = (
        "Delete expired rows, and erase closed accounts after their grace period. Run it regularly; it is always safe."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete the rows, and print how many."""
        prunes = {
            "accounts": deletion,
            "attempts": throttle,
            "sessions": sessions,
            "events": events,
            "email tokens": email_tokens,
            "mails": outbox,
            "keys": signing_keys,
        }
        for name, rules in prunes.items():
            self.stdout.write(f"{rules.prune()} {name} deleted")
