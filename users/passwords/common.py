"""Passwords that are tried first, whatever their length: common ones, their repeats, sequences, known words."""

import re
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError

ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "azertyuiop",
    "qsdfghjklm",
    "yxcvbnm",
)
STEPS = {row[at : at + 2] for line in ROWS for row in (line, line[::-1]) for at in range(len(row) - 1)}
SHORTEST_RUN = 3
# Fewer free characters than this beside a run or a known word are no secret.
FEWEST_FREE = 4
SHORTEST_WORD = 4
SHORTEST_UNIT = 8
DECORATION = "0123456789!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ "


class CommonPassword:
    """Refuses common passwords, also repeated or with digits around them, and runs along the keyboard."""

    def __init__(self) -> None:
        self.common = CommonPasswordValidator().passwords

    def validate(self, password: str, user: Any = None) -> None:
        """Raise where the password is among those that are tried first."""
        folded = password.casefold()
        core = folded.strip(DECORATION)
        if folded in self.common or core in self.common or self._repeats(folded) or free(folded) < FEWEST_FREE:
            raise ValidationError("This password is among those that are tried first.", code="password_too_common")

    def get_help_text(self) -> str:
        """What the admin's form says."""
        return "Your password can't be a commonly used one, repeated or not, or a run along the keyboard."

    def _repeats(self, password: str) -> bool:
        unit = repeated(password)
        known = len(unit) < SHORTEST_UNIT or unit in self.common or unit.strip(DECORATION) in self.common
        return known and len(unit) < len(password)


class ContextPassword:
    """Refuses passwords that are the user's own name or address, or the product's, and little beside."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)

    def validate(self, password: str, user: Any = None) -> None:
        """Raise where known words are most of the password."""
        folded = password.casefold()
        rest = folded
        for word in self._known(user):
            rest = rest.replace(word, "")
        if rest != folded and free(rest.strip(DECORATION)) < FEWEST_FREE:
            raise ValidationError(
                "This password is too close to your name, your address or this service.",
                code="password_too_similar",
            )

    def get_help_text(self) -> str:
        """What the admin's form says."""
        return "Your password can't be your name, your address or this service's name with little beside."

    def _known(self, user: Any) -> list[str]:
        names = [getattr(user, name, "") for name in ("username", "email", "full_name")] if user else []
        texts = [text.casefold() for text in (*self.words, *names)]
        parts = {part for text in texts for part in (text, *re.split(r"[\W_]+", text))}
        return sorted((part for part in parts if len(part) >= SHORTEST_WORD), key=len, reverse=True)


def free(password: str) -> int:
    """How many characters are left when runs of letters, digits, keys or one repeated character are taken out."""
    left, start = 0, 0
    for at in range(1, len(password) + 1):
        if at < len(password) and _follows(password[at - 1], password[at]):
            continue
        left += at - start if at - start < SHORTEST_RUN else 0
        start = at
    return left


def repeated(password: str) -> str:
    """The shortest beginning of which the whole is a repetition; the last one may be cut off."""
    for length in range(1, len(password) // 2 + 1):
        unit = password[:length]
        if (unit * (len(password) // length + 1))[: len(password)] == password:
            return unit
    return password


def _follows(one: str, other: str) -> bool:
    return one == other or one + other in STEPS
