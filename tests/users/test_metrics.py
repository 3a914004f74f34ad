"""Metrics of the account rules."""

from contextlib import suppress

import pytest

from tests.api import Api
from users import hashing, metrics
from users.errors import ServiceUnavailable


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


def test_who_hashes_and_who_is_sent_away_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "PATIENCE", 0.01)
    turns = hashing.Turns(at_once=1, waiting=0)
    seat, turn = (value("gateway_hashes_refused_total", lacking=what) for what in ("seat", "turn"))
    with turns.seat(), turns.turn():
        assert value("gateway_hashes", state="running") == 1
        assert value("gateway_hashes", state="waiting") == 0
        with suppress(ServiceUnavailable), turns.seat():
            pass
        with suppress(ServiceUnavailable), turns.turn():
            pass
    assert value("gateway_hashes", state="running") == 0
    assert value("gateway_hashes_refused_total", lacking="seat") == seat + 1
    assert value("gateway_hashes_refused_total", lacking="turn") == turn + 1
