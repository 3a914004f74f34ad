"""Compares a password with the one of an account."""

from users import events, throttle
from users.caller import Caller, SignedIn
from users.errors import Forbidden, InvalidCredentials
from users.events import EventKind
from users.models import User
from users.passwords import hashing, policy


def is_correct(caller: Caller, user: User | None, password: str, *, account: str) -> bool:
    """Return whether the password is this user's.

    Every case costs one hash, so that the time does not reveal which accounts exist. `account` names the account in
    the hashing queue, also if there is no user.
    """
    normalized = policy.normalize(password)
    cut = normalized[: policy.MAX_LENGTH]
    # No account has such a password. Its beginning is hashed all the same, at the same cost.
    is_possible = bool(normalized) and not policy.is_too_long(password, normalized)
    if user is None or not user.has_usable_password():
        hashing.hash_password(caller, cut, account=account)
        return False

    def upgrade(encoded: str) -> None:
        # Only if the password is still the one that was checked.
        unchanged = User.objects.filter(id=user.id, credential_version=user.credential_version)
        unchanged.update(password=encoded)

    is_match = hashing.check_password(
        caller, cut, user.password, account=account, upgrade=upgrade if is_possible else None
    )
    return is_match and is_possible


def check_own_password(caller: SignedIn, password: str, *, field: str = "password") -> None:
    """Raise InvalidCredentials unless the password is the caller's."""
    if not caller.user.has_usable_password():
        raise Forbidden("This account has no password. Set one with requestPasswordReset, then try again.")
    attempt = throttle.consume_own(caller, "own_password", user=caller.user)
    with attempt.refund_on_outage():
        is_match = is_correct(caller, caller.user, password, account=str(caller.user.id))
    if not is_match:
        events.record(caller, EventKind.PASSWORD_REFUSED, user=caller.user, session_id=caller.session.id)
        raise InvalidCredentials("The password is wrong.", field=field)
    attempt.reset()
