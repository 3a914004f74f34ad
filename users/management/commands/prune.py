"""`manage.py prune`: delete what is over."""

from typing import Any

from django.core.management.base import BaseCommand

from users import accounts, events, keys, mail, proofs, sessions, throttle


class Command(BaseCommand):
    """Deletes what is over, and erases the accounts that were closed."""

    help = "Delete what is over, and erase closed accounts whose time has come; safe at any time, for a timer."

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete, and say how many."""
        prunes = {
            "accounts": accounts,
            "counts": throttle,
            "sessions": sessions,
            "events": events,
            "proofs": proofs,
            "letters": mail,
            "keys": keys,
        }
        for name, rules in prunes.items():
            self.stdout.write(f"{rules.prune()} {name} deleted")
