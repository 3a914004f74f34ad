"""Metrics of the account rules."""

import pytest

from tests.api import Api
from users import metrics


def value(name: str, **labels: str) -> float:
    return metrics.registry.get_sample_value(name, labels) or 0.0


@pytest.mark.django_db(transaction=True)
def test_events_are_counted_by_kind(api: Api) -> None:
    before = value("gateway_events_total", kind="sign_in.refused")
    api.sign_in("nobody", "wrong")
    assert value("gateway_events_total", kind="sign_in.refused") == before + 1


def test_every_refused_try_is_counted_by_the_full_limit(api: Api, settings: object) -> None:
    before = value("gateway_throttled_total", limit="sign_in_here")
    for _ in range(13):
        api.sign_in("nobody", "wrong")
    assert value("gateway_throttled_total", limit="sign_in_here") == before + 3
