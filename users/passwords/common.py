"""Refuses passwords that attackers try first: common ones, repetitions, sequences, and words that they know."""

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
MIN_RUN = 3
# A password needs this many characters outside of sequences and known words.
MIN_FREE = 4
MIN_WORD = 4
MIN_UNIT = 8
DECORATION = "0123456789!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ "


class CommonPassword:
    """Refuses common passwords, also repeated or with digits around them, and rows of the keyboard."""

    def __init__(self) -> None:
        self.common = CommonPasswordValidator().passwords

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError for a common password."""
        folded = password.casefold()
        core = folded.strip(DECORATION)
        if folded in self.common or core in self.common or self._repeats(folded) or free(folded) < MIN_FREE:
            raise ValidationError("This password is too common.", code="password_too_common")

    def get_help_text(self) -> str:
        """Return the help text of the admin's form."""
        return "Your password can't be a common password, a repetition of one, or a sequence of keys."

    def _repeats(self, password: str) -> bool:
        unit = repeated(password)
        known = len(unit) < MIN_UNIT or unit in self.common or unit.strip(DECORATION) in self.common
        return known and len(unit) < len(password)


class ContextPassword:
    """Refuses passwords that consist mostly of the username, the email or the name of the product."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError if known words are most of the password."""
        folded = password.casefold()
        rest = folded
        for word in self._known(user):
            rest = rest.replace(word, "")
        if rest != folded and free(rest.strip(DECORATION)) < MIN_FREE:
            raise ValidationError(
                "This password is too similar to your name, your email or the name of this service.",
                code="password_too_similar",
            )

    def get_help_text(self) -> str:
        """Return the help text of the admin's form."""
        return "Your password can't consist mainly of your name, your email or the name of this service."

    def _known(self, user: Any) -> list[str]:
        names = [getattr(user, name, "") for name in ("username", "email", "full_name")] if user else []
        texts = [text.casefold() for text in (*self.words, *names)]
        parts = {part for text in texts for part in (text, *re.split(r"[\W_]+", text))}
        return sorted((part for part in parts if len(part) >= MIN_WORD), key=len, reverse=True)


def free(password: str) -> int:
    """Return the number of characters outside of sequences of letters, digits, keys or one character."""
    left, start = 0, 0
    for at in range(1, len(password) + 1):
        if at < len(password) and _follows(password[at - 1], password[at]):
            continue
        left += at - start if at - start < MIN_RUN else 0
        start = at
    return left


def repeated(password: str) -> str:
    """Return the shortest unit whose repetition is the whole text. The last repetition may be incomplete."""
    for length in range(1, len(password) // 2 + 1):
        unit = password[:length]
        if (unit * (len(password) // length + 1))[: len(password)] == password:
            return unit
    return password


def _follows(one: str, other: str) -> bool:
    return one == other or one + other in STEPS
