"""Authentication methods: how factors are stored, and which claims they make."""

import pytest

from users.authentication_methods import AuthenticationMethod, Factor, acr, amr, methods, parse, serialize
from users.models import Session


@pytest.mark.parametrize(
    ("factors", "claims"),
    [
        ([], ("aal1", [])),
        ([Factor.PASSWORD], ("aal1", ["pwd"])),
        ([Factor.PROVIDER], ("aal1", ["fed"])),
        ([Factor.TOTP], ("aal1", ["otp"])),
        ([Factor.TOTP, Factor.RECOVERY_CODE], ("aal1", ["otp"])),
        ([Factor.TOTP, Factor.PASSWORD], ("aal2", ["pwd", "otp", "mfa"])),
        ([Factor.PROVIDER, Factor.RECOVERY_CODE], ("aal2", ["fed", "otp", "mfa"])),
        ([Factor.DEVICE_PASSKEY], ("aal2", ["hwk", "user", "mfa"])),
        ([Factor.PASSWORD, Factor.SYNCED_PASSKEY], ("aal2", ["pwd", "swk", "user", "mfa"])),
    ],
)
def test_claims_follow_from_the_factors(factors: list[Factor], claims: tuple[str, list[str]]) -> None:
    assert (acr(factors), amr(factors)) == claims


def test_factors_are_stored_in_one_order_and_each_once() -> None:
    text = serialize([Factor.TOTP, Factor.PASSWORD, Factor.TOTP])
    assert text == "password totp"
    assert parse(text) == {Factor.PASSWORD, Factor.TOTP}
    assert parse("") == parse("of-another-release") == set()


def test_all_factors_fit_into_the_column() -> None:
    assert len(serialize(Factor)) <= Session._meta.get_field("methods").max_length


def test_two_kinds_of_passkeys_are_one_method() -> None:
    assert methods([Factor.SYNCED_PASSKEY, Factor.DEVICE_PASSKEY]) == [AuthenticationMethod.PASSKEY]
