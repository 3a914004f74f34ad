"""Admission: it opens a session for enough factors only, and costs nothing more without two-factor authentication."""

from typing import Any

import pytest

from tests.api import Api
from tests.mail_flows import verified_member
from tests.second_factors import enable_totp
from users.authentication_methods import Factor
from users.caller import Caller
from users.errors import InvalidCredentials, SecondFactorRequired
from users.models import Session, User
from users.sign_in import admission
from users.throttle import Attempt

pytestmark = pytest.mark.django_db


def admit(*held: Factor, user: User | None = None) -> Any:
    user = user or User.objects.get()
    return admission.admit(Caller(), user, factors=held, attempt=Attempt([], []), device_name="")


@pytest.mark.parametrize("held", [[], [Factor.PASSWORD], [Factor.PROVIDER], [Factor.TOTP], [Factor.RECOVERY_CODE]])
def test_one_factor_is_not_enough_with_two_factor_authentication(held: list[Factor]) -> None:
    enable_totp(verified_member("alice"))
    with pytest.raises(SecondFactorRequired):
        admit(*held)
    assert Session.objects.count() == 1


@pytest.mark.parametrize(
    "held",
    [
        [Factor.PASSWORD, Factor.TOTP],
        [Factor.PROVIDER, Factor.RECOVERY_CODE],
        [Factor.DEVICE_PASSKEY],
        [Factor.SYNCED_PASSKEY, Factor.PASSWORD],
    ],
)
def test_two_factors_or_a_passkey_are_enough(held: list[Factor]) -> None:
    enable_totp(verified_member("alice"))
    assert admit(*held).claims["acr"] == "aal2"


def test_a_user_read_before_a_change_of_the_factors_is_refused() -> None:
    alice = verified_member("alice")
    user = User.objects.get()
    enable_totp(alice)
    with pytest.raises(InvalidCredentials):
        admit(Factor.PASSWORD, user=user)
    assert Session.objects.filter(ended_at=None).count() == 1


def test_a_sign_in_without_two_factor_authentication_costs_at_most_eight_statements(statements: Any) -> None:
    verified_member("alice")
    Api().sign_in_member("alice")
    with statements() as seen:
        assert Api().sign_in("alice").data
    assert len(seen) <= 8, seen
    assert not [text for text in seen if "totp" in text or "recoverycode" in text]
