"""Who asks, and from where: the first argument of every rule."""

import secrets
from dataclasses import dataclass
from typing import Any

from users.errors import Forbidden, Reason
from users.models import Session, User

# How many users one device is known to.
REMEMBERED = 5


@dataclass(slots=True, kw_only=True)
class Keeper:
    """Keeps a caller's refresh token out of the sight of scripts: what came of it, and what shall be left of it."""

    brought: str | None = None
    is_trusted: bool = True
    # What the answer must do: nothing, or leave this token until that moment; an empty one is forgotten.
    left: str | None = None
    until: int = 0
    # A random name of the device, and the users who signed in on it as `device_user` writes them, the last one first.
    device: str = ""
    users: tuple[str, ...] = ()
    is_new_to_device: bool = False

    def take(self) -> str | None:
        """Return the token of the cookie, or None; raise Forbidden unless a trusted page sent it."""
        if self.brought and not self.is_trusted:
            raise Forbidden(
                "The refresh token cookie needs an Origin header, with the gateway's own origin or one of "
                "CORS_ALLOWED_ORIGINS."
            )
        return self.brought

    def keep(self, token: str, until: int) -> None:
        """Keep this token in place of the former one."""
        self.left, self.until = token, until

    def remember(self, user: User) -> None:
        """Note in the device's cookie that this user has signed in on it."""
        known, id = device_user(user), str(user.id)
        self.is_new_to_device = known != (*self.users, "")[0]
        others = (each for each in self.users if each.partition(":")[0] != id)
        self.users = (known, *others)[:REMEMBERED]
        self.device = self.device or secrets.token_urlsafe(16)

    def forget(self) -> None:
        """Keep no token any more."""
        self.left, self.until = "", 0


def device_user(user: User) -> str:
    """Return how a device's cookie names a user: with a new password the user is unknown to the device again."""
    return f"{user.id}:{user.credential_version}"


@dataclass(slots=True, kw_only=True)
class Caller:
    """Anyone: where a request comes from, and the access token that it brought, unread."""

    ip_address: str | None = None
    user_agent: str = ""
    token: str | None = None
    # Where there is none, refresh tokens travel in arguments and answers.
    keeper: Keeper | None = None
    # What reading the token found; looked up at most once, and only where somebody asks.
    found: "SignedIn | Reason | Exception | None" = None


@dataclass(slots=True, kw_only=True)
class SignedIn(Caller):
    """A user whose access token was checked and whose session is live."""

    user: User
    session: Session
    claims: dict[str, Any]
