"""Limits: counted before they are judged, in one place for all gateways, over when their window is."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.api import age
from users import throttle
from users.errors import RateLimited
from users.models import Attempts
from users.throttle import Limit

LIMIT, OTHER = Limit("thing", 3, timedelta(minutes=5)), Limit("other", 3, timedelta(minutes=5))


def passes(subject: object = "alice", limit: Limit = LIMIT) -> bool:
    try:
        throttle.count(limit, subject=subject)
    except RateLimited:
        return False
    return True


@pytest.mark.django_db
def test_so_many_tries_pass_and_no_more() -> None:
    assert [passes() for _ in range(5)] == [True, True, True, False, False]
    assert Attempts.objects.get().tried == 3


@pytest.mark.django_db
def test_the_refusal_says_how_long_to_wait() -> None:
    for _ in range(3):
        passes()
    age(Attempts.objects, timedelta(minutes=2), "since")
    with pytest.raises(RateLimited) as refused:
        throttle.count(LIMIT, subject="alice")
    assert 170 <= refused.value.extensions["retryAfter"] <= 180
    assert str(refused.value.extensions["retryAfter"]) in refused.value.message


@pytest.mark.django_db
def test_each_subject_and_each_limit_counts_alone() -> None:
    assert [passes() for _ in range(4)] == [True, True, True, False]
    assert passes("bob")
    assert passes(limit=OTHER)


@pytest.mark.django_db
def test_a_window_that_is_over_begins_afresh_and_not_sooner() -> None:
    for _ in range(3):
        passes()
    age(Attempts.objects, timedelta(minutes=4, seconds=50), "since")
    assert not passes()
    age(Attempts.objects, timedelta(seconds=10), "since")
    assert [passes() for _ in range(4)] == [True, True, True, False]
    assert Attempts.objects.count() == 1


@pytest.mark.django_db
def test_who_is_forgiven_begins_afresh_alone() -> None:
    for subject in ("alice", "bob"):
        for _ in range(3):
            passes(subject)
    throttle.forgive(LIMIT, subject="alice")
    throttle.forgive(OTHER, subject="bob")
    assert passes("alice")
    assert not passes("bob")


@pytest.mark.django_db
def test_with_the_clock_set_back_nobody_waits_longer_than_the_window() -> None:
    for _ in range(3):
        passes()
    age(Attempts.objects, -timedelta(hours=9), "since")
    with pytest.raises(RateLimited) as refused:
        throttle.count(LIMIT, subject="alice")
    assert refused.value.extensions["retryAfter"] == 300


@pytest.mark.django_db
def test_nobody_is_told_to_wait_no_time_at_all() -> None:
    Attempts.objects.create(key="thing:alice", tried=3, since="2000-01-01T00:00:00Z")
    assert throttle._wait("thing:alice", LIMIT) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("started", [False, True])
def test_a_storm_gets_no_more_through_than_the_limit(at_once: Callable[..., list[bool]], started: bool) -> None:
    if started:
        passes()
        age(Attempts.objects, timedelta(minutes=6), "since")
    assert sum(at_once([passes] * 16)) == 3
