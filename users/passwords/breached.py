"""Passwords known to be stolen, asked of a range service: it learns five digits of a hash, never which one."""

import hashlib
import logging
import time
import urllib.request
from http.client import HTTPException
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError

PATIENCE = 1.0
LARGEST = 200_000
log = logging.getLogger("gateway.breaches")


class BreachedPassword:
    """Refuses passwords that the service of `GATEWAY_BREACH_URL` knows; without an answer it refuses none."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise where the password stands in a known collection of stolen ones."""
        if settings.GATEWAY_BREACH_URL and is_known(password):
            raise ValidationError(
                "This password stands in a known collection of stolen ones.", code="password_breached"
            )

    def get_help_text(self) -> str:
        """What the admin's form says."""
        return "Your password can't be one that is known to be stolen."


def is_known(password: str) -> bool:
    """Whether the service lists the password; no, where it does not answer in time."""
    # SHA-1 is what such services are asked by; it protects nothing here.
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    try:
        listed = _range(digest[:5])
    except (OSError, ValueError, HTTPException) as failure:
        log.warning("the range service did not answer: %s", type(failure).__name__)
        return False
    return any(suffix == digest[5:] and seen != "0" for suffix, _, seen in (line.partition(":") for line in listed))


def _range(prefix: str) -> list[str]:
    # Padding hides from who watches the line how long, and so which, the answer is.
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked at the start
        settings.GATEWAY_BREACH_URL.replace("{prefix}", prefix), headers={"Add-Padding": "true"}
    )
    # The library's patience begins anew with every byte; ours does not.
    until, text = time.monotonic() + PATIENCE, b""
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
        while piece := answer.read1(LARGEST):
            text += piece
            if len(text) > LARGEST or time.monotonic() > until:
                raise TimeoutError
    return text.decode("ascii").split()
