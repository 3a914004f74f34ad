"""Challenges: sealed tokens for the second step of a sign-in. They hold the result of the first step.

A challenge dies by its use, after ten minutes, and with any change of the password or the second factors.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from users import authentication_methods, sealed_tokens, throttle
from users.authentication_methods import Factor
from users.errors import TokenInvalid
from users.models import User
from users.throttle import Attempt

LIFETIME = timedelta(minutes=10)
PURPOSE = "challenge"


@dataclass(frozen=True, slots=True)
class Challenge:
    """The first step of a sign-in: its user, factors and device, and the limits that counted it."""

    id: str
    user: User
    factors: frozenset[Factor]
    device_name: str
    attempt: Attempt


def create(user: User, *, factors: frozenset[Factor], device_name: str, attempt: Attempt) -> str:
    """Return a new challenge. Nothing is stored."""
    return sealed_tokens.seal(
        PURPOSE,
        lifetime=LIFETIME,
        id=str(uuid4()),
        user=str(user.id),
        versions=[user.credential_version, user.factors_version],
        factors=authentication_methods.serialize(factors),
        device_name=device_name,
        own=attempt.own,
        shared=attempt.shared,
    )


def read(token: str) -> Challenge:
    """Return the challenge of a token; raise TokenInvalid or TokenExpired."""
    facts = sealed_tokens.unseal(PURPOSE, token)
    user = User.objects.filter(id=facts["user"], is_active=True).first()
    if user is None or [user.credential_version, user.factors_version] != facts["versions"]:
        raise TokenInvalid
    return Challenge(
        id=facts["id"],
        user=user,
        factors=authentication_methods.parse(facts["factors"]),
        device_name=facts["device_name"],
        attempt=Attempt(facts["own"], facts["shared"]),
    )


def read_id(token: str) -> str:
    """Return the id of a challenge without reading its user; raise TokenInvalid or TokenExpired."""
    return str(sealed_tokens.unseal(PURPOSE, token)["id"])


def redeem(challenge: Challenge) -> None:
    """Use up a challenge. If several requests use it at once, one succeeds; the others raise TokenInvalid."""
    if not throttle.use_once("challenge", challenge.id, window=LIFETIME):
        raise TokenInvalid
