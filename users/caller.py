"""The client that makes a request: IP address, user agent, access token and cookies. Every rule takes it first."""

import secrets
from dataclasses import dataclass
from typing import Any

from users.errors import Forbidden, Reason
from users.models import Session, User

# How many users the device cookie holds.
MAX_DEVICE_USERS = 5


@dataclass(slots=True, kw_only=True)
class RefreshCookie:
    """The cookies of cookie mode: what the request brought, and what the response must set."""

    received: str | None = None
    is_trusted: bool = True
    # None leaves the cookie unchanged, an empty text deletes it.
    to_set: str | None = None
    expires_at: int = 0
    # A random name of the device, and the users who have signed in on it, in the form of `device_user`, newest first.
    device: str = ""
    device_users: tuple[str, ...] = ()
    is_new_on_device: bool = False

    def read(self) -> str | None:
        """Return the refresh token of the cookie, or None; raise Forbidden unless a trusted page sent it."""
        if self.received and not self.is_trusted:
            raise Forbidden(
                "The refresh token cookie requires an Origin header: the gateway's own origin or one of "
                "CORS_ALLOWED_ORIGINS."
            )
        return self.received

    def set(self, token: str, expires_at: int) -> None:
        """Set the cookie to this refresh token."""
        self.to_set, self.expires_at = token, expires_at

    def remember_user(self, user: User) -> None:
        """Add a user who has signed in to the device cookie."""
        name, id = device_user(user), str(user.id)
        self.is_new_on_device = name != (*self.device_users, "")[0]
        others = (each for each in self.device_users if each.partition(":")[0] != id)
        self.device_users = (name, *others)[:MAX_DEVICE_USERS]
        self.device = self.device or secrets.token_urlsafe(16)

    def clear(self) -> None:
        """Delete the cookie of the refresh token."""
        self.to_set, self.expires_at = "", 0


def device_user(user: User) -> str:
    """Return the name of a user in a device cookie. It changes with the password, which makes the device unknown."""
    return f"{user.id}:{user.credential_version}"


@dataclass(slots=True, kw_only=True)
class Caller:
    """A client that may be anonymous: its access token has not been read yet."""

    ip_address: str | None = None
    user_agent: str = ""
    token: str | None = None
    # None outside of cookie mode: refresh tokens are then in arguments and answers.
    refresh_cookie: RefreshCookie | None = None
    # The result of reading the token, which `access_tokens.signed_in` looks up once.
    identity: "SignedIn | Reason | Exception | None" = None


@dataclass(slots=True, kw_only=True)
class SignedIn(Caller):
    """A client with a valid access token, whose user has a live session."""

    user: User
    session: Session
    claims: dict[str, Any]
