"""The dashboard: what a signed-in user sees first."""

from dataclasses import dataclass

from users.caller import SignedIn
from users.models import User


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A message for one user."""

    message: str
    user: User


def show(caller: SignedIn) -> Dashboard:
    """The greeting."""
    return Dashboard(f"Hey {caller.user.username}, you are seeing your dashboard.", caller.user)


def post(caller: SignedIn, *, text: str) -> Dashboard:
    """The greeting, with a text of the user's own."""
    return Dashboard(f"Hey {caller.user.username}, your text is {text}", caller.user)
