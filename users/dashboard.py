"""The dashboard of a signed-in user."""

from dataclasses import dataclass

from users.caller import SignedIn
from users.models import User


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A message for one user."""

    message: str
    user: User


def show(caller: SignedIn) -> Dashboard:
    """Return a greeting."""
    return Dashboard(f"Hey {caller.user.username}, you are seeing your dashboard.", caller.user)


def post(caller: SignedIn, *, text: str) -> Dashboard:
    """Return a greeting that contains the text."""
    return Dashboard(f"Hey {caller.user.username}, your text is {text}", caller.user)
