"""`manage.py prune`: delete what is over."""

from typing import Any

from django.core.management.base import BaseCommand

from users import events, keys, sessions, throttle


class Command(BaseCommand):
    """Deletes counts, sessions, events and keys whose time is over."""

    help = "Delete counts, sessions, events and keys whose time is over; safe at any time, for a timer."

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete, and say how many."""
        prunes = {"counts": throttle, "sessions": sessions, "events": events, "keys": keys}
        for name, rules in prunes.items():
            self.stdout.write(f"{rules.prune()} {name} deleted")
