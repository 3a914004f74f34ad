"""Challenges: their contents. tests/users/sign_in/test_second_factor.py has their lives."""

import pytest

from tests.passkeys import new_verified_member
from users.authentication_methods import Factor
from users.errors import TokenInvalid
from users.mfa import challenges
from users.models import Attempts, User
from users.throttle import Attempt

pytestmark = pytest.mark.django_db


def test_a_challenge_carries_the_first_step_and_stores_nothing() -> None:
    new_verified_member("alice")
    user, rows = User.objects.get(), Attempts.objects.count()
    attempt = Attempt(["own"], ["shared"], ["total"])
    token = challenges.create(user, factors=frozenset({Factor.PASSWORD}), device_name="Phone", attempt=attempt)
    assert Attempts.objects.count() == rows
    assert "alice" not in token
    step = challenges.read(token)
    assert (step.user, step.factors, step.device_name) == (user, {Factor.PASSWORD}, "Phone")
    # The total of all attempts is never given back.
    assert step.attempt == Attempt(["own"], ["shared"])
    challenges.redeem(step)
    with pytest.raises(TokenInvalid):
        challenges.redeem(challenges.read(token))


def test_the_longest_device_name_fits() -> None:
    new_verified_member("alice")
    attempt = Attempt([f"sign_in_elsewhere:{'x' * 40}"] * 8, [f"sign_in_elsewhere:{'x' * 40}"] * 8)
    token = challenges.create(
        User.objects.get(), factors=frozenset(Factor), device_name="\U0001f600" * 100, attempt=attempt
    )
    assert challenges.read(token).device_name == "\U0001f600" * 100
