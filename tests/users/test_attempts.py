"""Counters of attempts: all of them count or none, and a window that is over begins again."""

from collections.abc import Callable

import pytest

from users import attempts
from users.models import Attempts

MINUTE = 60_000


def create(*keys: str, most: int = 3) -> None:
    attempts.create_missing([Attempts(key=key, most=most, window=MINUTE, until=0) for key in keys])


def tried() -> dict[str, int]:
    return dict(Attempts.objects.values_list("key", "tried"))


@pytest.mark.django_db
def test_several_counters_count_together_until_one_is_full() -> None:
    create("a", "b")
    create("c", most=1)
    assert attempts.consume(["a", "b"])
    assert attempts.consume(["a", "b", "c"])
    assert not attempts.consume(["a", "b", "c"])
    assert tried() == {"a": 2, "b": 2, "c": 1}


@pytest.mark.django_db
def test_a_missing_counter_counts_nowhere() -> None:
    create("a")
    assert not attempts.consume(["a", "missing"])
    assert tried() == {"a": 0}


@pytest.mark.django_db
@pytest.mark.parametrize("until", ["past", "impossible"])
def test_a_window_that_is_over_begins_again(until: str) -> None:
    create("a", most=1)
    assert attempts.consume(["a"])
    end = attempts.now() - 1 if until == "past" else attempts.now() + MINUTE + 2 * attempts.CLOCK_SKEW
    Attempts.objects.update(until=end, is_told=True)
    assert attempts.consume(["a"])
    counter = Attempts.objects.get()
    assert (counter.tried, counter.is_told) == (1, False)
    assert attempts.now() < counter.until <= attempts.now() + MINUTE


@pytest.mark.django_db
def test_one_attempt_is_given_back_and_cleared_counters_are_empty() -> None:
    create("a", "b", "c")
    for _ in range(2):
        assert attempts.consume(["a", "b", "c"])
    attempts.give_back(["b"], cleared=["a"])
    assert tried() == {"a": 0, "b": 1, "c": 2}
    attempts.give_back(["a", "b"])
    attempts.give_back(["b"])
    assert tried() == {"a": 0, "b": 0, "c": 2}


@pytest.mark.django_db
def test_existing_counters_keep_their_attempts() -> None:
    create("a")
    assert attempts.consume(["a"])
    create("a", "b")
    assert tried() == {"a": 1, "b": 0}


@pytest.mark.django_db(transaction=True)
def test_s27_parallel_attempts_never_exceed_a_counter(run_concurrently: Callable[..., list[bool]]) -> None:
    create("a", "b", most=5)
    create("c", most=9)
    counted = run_concurrently([lambda: attempts.consume(["a", "b"]), lambda: attempts.consume(["b", "c"])] * 8)
    assert sum(counted) == 5
    assert tried()["b"] == 5
