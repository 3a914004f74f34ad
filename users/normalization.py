"""Clean forms of what people type: one account cannot look like another, one mailbox is one address."""

import re
import unicodedata
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

from users.errors import FieldErrorCode, WrongValue
from users.models import EMAIL_LENGTH, NAME_LENGTH

# Letters of one script leave no room for look-alikes (UTS 39 §5), nor for what cannot be seen.
USERNAME = re.compile(r"[A-Za-z0-9._-]+")
# What RFC 5322 calls an atom: no quotes, so no spaces or commas; ASCII, so no twins.
MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")
# In a domain that is never registered (RFC 2606 section 2).
NOWHERE = "nobody@gateway.invalid"
DEVICE_LENGTH = 100
BIO_LENGTH = 2_000
URL_LENGTH = 500

_check_email = EmailValidator(allowlist=[])


def username(value: str) -> str:
    """The username in its one form: letters, digits, dots, dashes and underscores."""
    name = _ascii(value, NAME_LENGTH)
    if not USERNAME.fullmatch(name):
        raise WrongValue(
            FieldErrorCode.INVALID, "A username is made of letters a to z, digits, dots, dashes and underscores."
        )
    return name


def email(value: str) -> str:
    """The address in its one form; international domains in their `xn--` spelling."""
    address = _ascii(value, EMAIL_LENGTH)
    try:
        _check_email(address)
    except ValidationError:
        address = ""
    if not MAILBOX.fullmatch(address):
        raise WrongValue(FieldErrorCode.INVALID, "This is not an email address.")
    return address


def is_nowhere(address: str) -> bool:
    """Return whether this is the address of an account that has none: nobody can sign in to it."""
    return address.endswith("@gateway.invalid")


def full_name(value: str) -> str:
    """A name as people write it, on one line."""
    return _line(value, NAME_LENGTH)


def device_name(value: str) -> str:
    """What a device is called, on one line."""
    return _line(value, DEVICE_LENGTH)


def bio(value: str) -> str:
    """A text of several lines."""
    text = _composed(value, BIO_LENGTH)
    if _unprintable(text.replace("\n", "").replace("\r", "").replace("\t", "")):
        raise WrongValue(FieldErrorCode.INVALID, "The text has characters that cannot be shown.")
    return text


def image_url(value: str) -> str:
    """An address of a picture on the web, or nothing."""
    url = _shorter(value, URL_LENGTH)
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in {"http", "https"} and parts.hostname and not re.search(r"[\s\"'<>\\]", url)
    except ValueError:
        fits = False
    if not fits or _unprintable(url):
        raise WrongValue(FieldErrorCode.INVALID, "A picture's address begins with http:// or https://.")
    return url


def folded(value: str) -> str:
    """One form of all that may name one account, also of what can name none; fit to count by, not to show."""
    return unicodedata.normalize("NFKC", value[: 2 * EMAIL_LENGTH]).casefold()


def mailbox(address: str) -> str:
    """Return the address without its `+tag`, in lower case: a key for counting, not an address to write to."""
    local, _, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def printable(value: str, length: int) -> str:
    """What a stranger sent, made fit to keep: control characters dropped, cut to a length."""
    cut = value[: 2 * length]
    return (cut if cut.isprintable() else "".join(each for each in cut if not _unprintable(each)))[:length]


def _ascii(value: str, length: int) -> str:
    if not value:
        raise WrongValue(FieldErrorCode.REQUIRED, "This must not be empty.")
    # Checked before as well: normalization takes time that grows with the square of the number of combining marks.
    return _shorter(unicodedata.normalize("NFKC", _shorter(value, length)), length)


def _composed(value: str, length: int) -> str:
    # Composition shortens text that was sent decomposed, as file names of macOS are, so twice the length may come in.
    if len(value) > 2 * length:
        raise _too_long(length)
    return _shorter(unicodedata.normalize("NFC", value), length)


def _shorter(value: str, length: int) -> str:
    if len(value) > length:
        raise _too_long(length)
    return value


def _too_long(length: int) -> WrongValue:
    return WrongValue(FieldErrorCode.TOO_LONG, f"Use at most {length} characters.")


def _line(value: str, length: int) -> str:
    text = _composed(value, length).strip()
    if _unprintable(text):
        raise WrongValue(FieldErrorCode.INVALID, "This has characters that cannot be shown on one line.")
    return text


def _unprintable(text: str) -> bool:
    # Control, surrogate, private, unassigned, and the marks that turn the direction of what follows.
    # Joiners (U+200C, U+200D) stay: names in Persian and Hindi, and emoji, are written with them.
    return any(
        unicodedata.category(letter) in {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
        or "\u202a" <= letter <= "\u202e"
        or "\u2066" <= letter <= "\u2069"
        for letter in text
    )
