"""Who asks, and from where: the first argument of every rule."""

from dataclasses import dataclass
from typing import Any

from users.errors import Reason
from users.models import Session, User


@dataclass(slots=True, kw_only=True)
class Caller:
    """Anyone: where a request comes from, and the access token that it brought, unread."""

    ip_address: str | None = None
    user_agent: str = ""
    token: str | None = None
    # What reading the token found; looked up at most once, and only where somebody asks.
    found: "SignedIn | Reason | None" = None


@dataclass(slots=True, kw_only=True)
class SignedIn(Caller):
    """A user whose access token was checked and whose session is live."""

    user: User
    session: Session
    claims: dict[str, Any]
