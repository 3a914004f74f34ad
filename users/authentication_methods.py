"""The ways to authenticate: methods, the factors of a session, and the claims `acr` and `amr`."""

from collections.abc import Iterable
from enum import Enum


class AuthenticationMethod(Enum):
    """A way to authenticate."""

    PASSWORD = "The password."
    TOTP = "A code of an authenticator app."
    PASSKEY = "A passkey, which counts as two factors."
    RECOVERY_CODE = "A recovery code, which works once."
    PROVIDER = "A sign-in with a provider."


class Factor(Enum):
    """A factor of a session: its name in the database, its method, and its `amr` values (RFC 8176)."""

    method: AuthenticationMethod
    amr: tuple[str, ...]

    PASSWORD = "password", AuthenticationMethod.PASSWORD, ("pwd",)
    PROVIDER = "provider", AuthenticationMethod.PROVIDER, ("fed",)
    TOTP = "totp", AuthenticationMethod.TOTP, ("otp",)
    RECOVERY_CODE = "recovery_code", AuthenticationMethod.RECOVERY_CODE, ("otp",)
    DEVICE_PASSKEY = "device_passkey", AuthenticationMethod.PASSKEY, ("hwk", "user")
    SYNCED_PASSKEY = "synced_passkey", AuthenticationMethod.PASSKEY, ("swk", "user")

    def __new__(cls, value: str, method: AuthenticationMethod, amr: tuple[str, ...]) -> "Factor":
        factor = object.__new__(cls)
        factor._value_ = value
        factor.method, factor.amr = method, amr
        return factor


# A passkey counts as both factors, because it verifies the user.
PASSKEYS = frozenset({Factor.DEVICE_PASSKEY, Factor.SYNCED_PASSKEY})
FIRST_FACTORS = frozenset({Factor.PASSWORD, Factor.PROVIDER}) | PASSKEYS
SECOND_FACTORS = frozenset({Factor.TOTP, Factor.RECOVERY_CODE}) | PASSKEYS


def serialize(factors: Iterable[Factor]) -> str:
    """Return the text that a session stores for these factors."""
    held = set(factors)
    return " ".join(factor.value for factor in Factor if factor in held)


def parse(text: str) -> frozenset[Factor]:
    """Return the factors of a stored text."""
    return frozenset(factor for factor in Factor if factor.value in text.split())


def methods(factors: Iterable[Factor]) -> list[AuthenticationMethod]:
    """Return the methods of the factors, each once."""
    return list(dict.fromkeys(factor.method for factor in Factor if factor in set(factors)))


def has_second_factor(factors: Iterable[Factor]) -> bool:
    """Return whether a code or a passkey is among the factors."""
    return not SECOND_FACTORS.isdisjoint(factors)


def is_two_factor(factors: Iterable[Factor]) -> bool:
    """Return whether the factors are two factors: a first and a second one, or a passkey alone."""
    held = frozenset(factors)
    return has_second_factor(held) and not FIRST_FACTORS.isdisjoint(held)


def acr(factors: Iterable[Factor]) -> str:
    """Return the `acr` claim: aal1 for one factor, aal2 for two."""
    return "aal2" if is_two_factor(factors) else "aal1"


def amr(factors: Iterable[Factor]) -> list[str]:
    """Return the `amr` claim."""
    held = frozenset(factors)
    values = [value for factor in Factor if factor in held for value in factor.amr]
    return list(dict.fromkeys([*values, *(["mfa"] if is_two_factor(held) else [])]))
