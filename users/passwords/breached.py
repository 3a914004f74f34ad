"""Refuses stolen passwords. The service that lists them receives only five digits of a hash."""

import hashlib
import logging
import time
import urllib.request
from http.client import HTTPException
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError

TIMEOUT = 1.0
MAX_SIZE = 200_000
log = logging.getLogger("gateway.breaches")


class BreachedPassword:
    """Refuses passwords that the service of GATEWAY_BREACH_URL lists. If the service fails, every password passes."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError for a stolen password."""
        if settings.GATEWAY_BREACH_URL and is_known(password):
            raise ValidationError("This password appears in a known data breach.", code="password_breached")

    def get_help_text(self) -> str:
        """Return the help text of the admin's form."""
        return "Your password can't be one that appears in a known data breach."


def is_known(password: str) -> bool:
    """Return whether the service lists the password; False if it does not answer in time."""
    # The protocol of such services uses SHA-1. It protects nothing here.
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    try:
        listed = _range(digest[:5])
    except (OSError, ValueError, HTTPException) as failure:
        log.warning("cannot check the password for breaches: %s", type(failure).__name__)
        return False
    return any(suffix == digest[5:] and seen != "0" for suffix, _, seen in (line.partition(":") for line in listed))


def _range(prefix: str) -> list[str]:
    # Padding hides the length of the answer, which would reveal the prefix to observers of the connection.
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked at the start
        settings.GATEWAY_BREACH_URL.replace("{prefix}", prefix), headers={"Add-Padding": "true"}
    )
    # The timeout of the library is per read. This deadline is for the whole answer.
    until, text = time.monotonic() + TIMEOUT, b""
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
        while piece := answer.read1(MAX_SIZE):
            text += piece
            if len(text) > MAX_SIZE or time.monotonic() > until:
                raise TimeoutError
    return text.decode("ascii").split()
