"""Finds users."""

from users import normalization
from users.compiled_query import CompiledQuery, parameter
from users.errors import InvalidValue
from users.models import BY_CLAIM, User


def find_by_login(login: str) -> User | None:
    """Return the user with this username or email, ignoring case and Unicode form.

    Several accounts may claim an email until one verifies it: the one that did comes first, then the oldest.
    """
    is_email = "@" in normalization.fold(login)
    clean, find = (normalization.email, _by_email) if is_email else (normalization.username, _by_username)
    try:
        return find.first(key=clean(login).lower())
    except InvalidValue:
        return None


def count_users() -> int:
    """Return the number of accounts."""
    return User.objects.count()


_by_username = CompiledQuery(lambda: User.objects.filter(username_key=parameter("key", User.username_key)))
_by_email = CompiledQuery(
    lambda: User.objects.filter(email_key=parameter("key", User.email_key)).order_by(*BY_CLAIM)[:1]
)
