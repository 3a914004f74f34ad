"""Usernames and emails that other accounts use."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError
from django.db.models import QuerySet, Value
from django.utils import timezone

from users.compiled_query import CompiledQuery, parameter
from users.errors import FieldErrorCode, FieldErrors
from users.mail import email_tokens
from users.models import User


def check(errors: FieldErrors, user: User, fields: Sequence[str]) -> None:
    """Add an error for each of the fields whose value another account uses."""
    # Only valid values may reach the database: some engines fail on NUL characters and lone surrogates.
    invalid = {error.field for error in errors.errors}
    keys = {name: getattr(user, name).lower() for name in fields if name not in invalid}
    if keys:
        # No account has an empty username or email, so an empty text matches none.
        username, email = keys.get("username", ""), keys.get("email", "")
        rows = _used_fields.rows(id=user.id, username=username, address_key=email, now=timezone.now())
        taken = {field for (field,) in rows}
        for field in keys:
            if field in taken:
                errors.add(field, FieldErrorCode.TAKEN, f"Another account uses this {field}.")


@contextmanager
def refused(user: User, fields: Sequence[str] = ("username", "email")) -> Iterator[None]:
    """Turn a violated constraint of the database into the error of the field. The constraint decides every race."""
    try:
        yield
    except IntegrityError:
        errors = FieldErrors()
        check(errors, user, fields)
        errors.raise_if_any()
        raise


def _fields_of_others() -> QuerySet[Any, Any]:
    # One statement for both fields. A former email counts as used while its owner may undo the change.
    users = User.objects.exclude(id=parameter("id", User.id))
    usernames = users.filter(username_key=parameter("username", User.username_key)).values_list(Value("username"))
    emails = users.filter(email_key=parameter("address_key", User.email_key)).values_list(Value("email"))
    return usernames.union(emails, email_tokens.held_emails().values_list(Value("email")), all=True)


_used_fields = CompiledQuery(_fields_of_others)
