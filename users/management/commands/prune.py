"""`manage.py prune`: delete what is over."""

from typing import Any

from django.core.management.base import BaseCommand

from users import events, sessions, throttle


class Command(BaseCommand):
    """Deletes counts, sessions and events whose time is over."""

    help = "Delete counts, sessions and events whose time is over; safe at any time, for a timer."

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete, and say how many."""
        for name, prune in (("counts", throttle.prune), ("sessions", sessions.prune), ("events", events.prune)):
            self.stdout.write(f"{prune()} {name} deleted")
