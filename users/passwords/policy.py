"""The password policy: length limits, and the validators of AUTH_PASSWORD_VALIDATORS."""

import unicodedata

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from users.errors import FieldErrorCode, FieldErrors
from users.models import User

MAX_LENGTH = 256
# Before normalization, which composes up to four characters into one and takes quadratic time in combining marks.
MAX_TYPED_LENGTH = 4 * MAX_LENGTH


def validate(errors: FieldErrors, field: str, password: str, *, user: User) -> None:
    """Add an error for each rule that the password breaks."""
    typed, password = password, normalize(password)
    if not password:
        errors.add(field, FieldErrorCode.REQUIRED, "Enter a password.")
    elif is_too_long(typed, password):
        errors.add(field, FieldErrorCode.TOO_LONG, f"Use at most {MAX_LENGTH} characters.")
    else:
        try:
            validate_password(password, user)
        except ValidationError as invalid:
            for error in invalid.error_list:
                errors.add(field, FieldErrorCode[str(error.code).upper()], " ".join(error.messages))


def normalize(password: str) -> str:
    """Return the form that is measured and hashed. A longer text than the policy allows is cut."""
    return unicodedata.normalize("NFC", password[:MAX_TYPED_LENGTH])


def is_too_long(typed: str, normalized: str) -> bool:
    """Return whether a password exceeds the limits, before or after normalization."""
    return len(typed) > MAX_TYPED_LENGTH or len(normalized) > MAX_LENGTH
