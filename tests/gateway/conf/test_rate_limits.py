"""The default rate limits."""

from datetime import timedelta

import pytest

from gateway.conf import env, rate_limits
from tests.gateway.test_settings import DEVELOPMENT, read


@pytest.mark.parametrize("name", rate_limits.DEFAULTS)
def test_variable_overrides_only_its_limit(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    defaults = {each: env.rates(rates) for each, rates in rate_limits.DEFAULTS.items()}
    found = read(monkeypatch, **DEVELOPMENT, **{f"GATEWAY_LIMIT_{name.upper()}": "7 in 3 hours"})
    assert found["GATEWAY_LIMITS"] == defaults | {name: [(7, timedelta(hours=3))]}


@pytest.mark.parametrize("name", ["own_password", "second_factor_elsewhere", "reauthenticate"])
def test_s59_day_allows_fewer_guesses_than_the_hundred_of_nist(name: str) -> None:
    days = [tries for tries, window in env.rates(rate_limits.DEFAULTS[name]) if window >= timedelta(days=1)]
    assert days
    assert max(days) < 100
