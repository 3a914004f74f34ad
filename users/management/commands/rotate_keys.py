"""`manage.py rotate_keys`: rotate the signing keys, or revoke a leaked one."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from users.mfa import totp
from users.sessions import key_ring, signing_keys

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def span(value: str) -> timedelta:
    """Parse a duration such as 30d."""
    parts = re.fullmatch(r"(\d{1,6})([smhd])", value)
    if parts is None:
        raise ArgumentTypeError(f"{value!r}: expected a duration such as 12h or 30d")
    return timedelta(**{UNITS[parts[2]]: int(parts[1])})


class Command(BaseCommand):
    """Rotates the signing keys."""

    help = (
        "Sign with the next key, create a new next key, and retire the current key. Encrypt stored secrets with the "
        "current SECRET_KEY."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add --every, --now and --revoke."""
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--every", type=span, help="rotate only if the current key is at least this old, such as 30d")
        how.add_argument(
            "--now", action="store_true", help="rotate even if other services may not have fetched the next key yet"
        )
        how.add_argument("--revoke", metavar="KID", help="revoke this key at once: --revoke=KID")

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate or revoke, and print the current key."""
        # Also where a setting holds the signing keys: before SECRET_KEY_FALLBACKS loses a key, nothing may need it.
        if changed := totp.reencrypt_all():
            self.stdout.write(f"{changed} secrets of authenticator apps encrypted with the current SECRET_KEY")
        if settings.GATEWAY_SIGNING_KEYS:
            raise CommandError("GATEWAY_SIGNING_KEYS defines the keys. Rotate them there.")
        try:
            self.stdout.write(self._revoke(options["revoke"]) if options["revoke"] else self._rotate(**options))
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None

    def _revoke(self, kid: str) -> str:
        if not signing_keys.revoke(kid):
            raise CommandError(f"No signing key has the id {kid}.")
        return f"revoked {kid}; the current key is {key_ring.get().current.kid}"

    def _rotate(self, *, every: timedelta | None, now: bool, **_: Any) -> str:
        key_ring.get()
        signing_keys.maintain()
        if every and (due := signing_keys.signs_since() + every) > timezone.now():
            return f"{key_ring.get().current.kid} stays the current key until {due:%Y-%m-%d %H:%M:%S} UTC"
        try:
            return f"the current key is {signing_keys.rotate(skip_wait=now)}"
        except signing_keys.NotYetPublished as refusal:
            raise CommandError(
                f"Other services may not have fetched the next key before {refusal.until:%Y-%m-%d %H:%M:%S} UTC. "
                "Retry then, or use --now."
            ) from None
        except signing_keys.ConcurrentRotation:
            raise CommandError("Another process rotated the keys at the same time.") from None
