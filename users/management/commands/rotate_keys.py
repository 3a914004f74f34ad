"""`manage.py rotate_keys`: let the next signing key sign, or withdraw a leaked one."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from users.sessions import signing_keys

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def span(value: str) -> timedelta:
    """A duration such as 30d."""
    parts = re.fullmatch(r"(\d{1,6})([smhd])", value)
    if parts is None:
        raise ArgumentTypeError(f"{value!r}: expected a duration such as 12h or 30d")
    return timedelta(**{UNITS[parts[2]]: int(parts[1])})


class Command(BaseCommand):
    """Turns the ring of signing keys."""

    help = "Let the next signing key sign, make another next one, and retire the one that signed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """When to turn, or which key to withdraw."""
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--every", type=span, help="only where the current key has signed for so long, such as 30d")
        how.add_argument("--now", action="store_true", help="even where other services may not know the next key yet")
        how.add_argument("--revoke", metavar="KID", help="withdraw this key at once: --revoke=KID")

    def handle(self, *args: Any, **options: Any) -> None:
        """Turn the ring, and say what signs now."""
        if settings.GATEWAY_SIGNING_KEYS:
            raise CommandError("The keys are given by GATEWAY_SIGNING_KEYS: rotate them there.")
        try:
            self.stdout.write(self._revoke(options["revoke"]) if options["revoke"] else self._rotate(**options))
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None

    def _revoke(self, kid: str) -> str:
        if not signing_keys.revoke(kid):
            raise CommandError(f"There is no key {kid}.")
        return f"{kid} is withdrawn; {signing_keys.ring().current.kid} signs"

    def _rotate(self, *, every: timedelta | None, now: bool, **_: Any) -> str:
        signing_keys.ring()
        signing_keys.tidy()
        if every and (due := signing_keys.signs_since() + every) > timezone.now():
            return f"{signing_keys.ring().current.kid} signs until {due:%Y-%m-%d %H:%M:%S} UTC"
        try:
            return f"{signing_keys.rotate(in_a_hurry=now)} signs"
        except signing_keys.NotSettled as refusal:
            raise CommandError(
                f"Other services may not know the next key before {refusal.until:%Y-%m-%d %H:%M:%S} UTC; "
                "--now lets it sign all the same."
            ) from None
        except signing_keys.Overtaken:
            raise CommandError("Somebody else turned the ring at this moment.") from None
