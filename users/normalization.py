"""Validates and normalizes text that people type, so that no account looks like another."""

import re
import unicodedata
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

from users.errors import FieldErrorCode, InvalidValue
from users.models import EMAIL_LENGTH, NAME_LENGTH

# ASCII only: no look-alikes (UTS 39 section 5) and no invisible characters.
USERNAME = re.compile(r"[A-Za-z0-9._-]+")
# An atom of RFC 5322: no quotes, so no spaces or commas. ASCII only, so no look-alikes.
MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")
# The email of accounts that have none, in a domain that is never registered (RFC 2606 section 2).
UNUSABLE_EMAIL = "nobody@gateway.invalid"
DEVICE_LENGTH = 100
BIO_LENGTH = 2_000
URL_LENGTH = 500

_check_email = EmailValidator(allowlist=[])


def username(value: str) -> str:
    """Return a normalized username: letters, digits, dots, dashes and underscores."""
    name = _ascii(value, NAME_LENGTH)
    if not USERNAME.fullmatch(name):
        raise InvalidValue(FieldErrorCode.INVALID, "Use only letters a to z, digits, dots, dashes and underscores.")
    return name


def email(value: str) -> str:
    """Return a normalized email. International domains need their `xn--` form."""
    address = _ascii(value, EMAIL_LENGTH)
    try:
        _check_email(address)
    except ValidationError:
        address = ""
    if not MAILBOX.fullmatch(address):
        raise InvalidValue(FieldErrorCode.INVALID, "Enter a valid email.")
    return address


def is_unusable_email(address: str) -> bool:
    """Return whether this stands for no email. An account with it cannot be signed in to."""
    return address.endswith("@gateway.invalid")


def full_name(value: str) -> str:
    """Return a name of a person, on one line."""
    return _line(value, NAME_LENGTH)


def device_name(value: str) -> str:
    """Return a name of a device, on one line."""
    return _line(value, DEVICE_LENGTH)


def bio(value: str) -> str:
    """Return a text of several lines."""
    text = _composed(value, BIO_LENGTH)
    if _has_control_characters(text.replace("\n", "").replace("\r", "").replace("\t", "")):
        raise InvalidValue(FieldErrorCode.INVALID, "Remove the control characters.")
    return text


def image_url(value: str) -> str:
    """Return the URL of an image, or an empty text."""
    url = _check_length(value, URL_LENGTH)
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in {"http", "https"} and parts.hostname and not re.search(r"[\s\"'<>\\]", url)
    except ValueError:
        is_valid = False
    if not is_valid or _has_control_characters(url):
        raise InvalidValue(FieldErrorCode.INVALID, "Enter a URL that begins with http:// or https://.")
    return url


def fold(value: str) -> str:
    """Return one form of all spellings of a username or email, for counting. Invalid text has one as well."""
    return unicodedata.normalize("NFKC", value[: 2 * EMAIL_LENGTH]).casefold()


def mailbox(address: str) -> str:
    """Return the email without its `+tag`, in lower case, for counting. Never send mail to it."""
    local, _, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def printable(value: str, length: int) -> str:
    """Return text of a stranger without control characters, cut to a length, so that it can be stored."""
    cut = value[: 2 * length]
    return (cut if cut.isprintable() else "".join(each for each in cut if not _has_control_characters(each)))[:length]


def _ascii(value: str, length: int) -> str:
    if not value:
        raise InvalidValue(FieldErrorCode.REQUIRED, "Enter a value.")
    # Checked before as well: normalization takes time that grows with the square of the number of combining marks.
    return _check_length(unicodedata.normalize("NFKC", _check_length(value, length)), length)


def _composed(value: str, length: int) -> str:
    # Composition shortens decomposed text, such as file names of macOS, so twice the length is allowed before it.
    if len(value) > 2 * length:
        raise _too_long(length)
    return _check_length(unicodedata.normalize("NFC", value), length)


def _check_length(value: str, length: int) -> str:
    if len(value) > length:
        raise _too_long(length)
    return value


def _too_long(length: int) -> InvalidValue:
    return InvalidValue(FieldErrorCode.TOO_LONG, f"Use at most {length} characters.")


def _line(value: str, length: int) -> str:
    text = _composed(value, length).strip()
    if _has_control_characters(text):
        raise InvalidValue(FieldErrorCode.INVALID, "Remove the line breaks and control characters.")
    return text


def _has_control_characters(text: str) -> bool:
    # Control, surrogate, private and unassigned characters, and those that change the direction of the text.
    # Joiners (U+200C, U+200D) stay: names in Persian and Hindi, and emoji, are written with them.
    return any(
        unicodedata.category(character) in {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
        or "\u202a" <= character <= "\u202e"
        or "\u2066" <= character <= "\u2069"
        for character in text
    )
