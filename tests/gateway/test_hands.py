"""Threads that answer."""

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from gateway import hands as hands_module
from gateway.hands import Hands


def await_all(hands: Hands, *acts: object) -> None:
    """Have all of this done, and wait for it."""
    left = threading.Semaphore(0)

    def act(each: object) -> None:
        try:
            each()  # type: ignore[operator]
        finally:
            left.release()

    for each in acts:
        hands.do(partial(act, each))
    for _ in acts:
        assert left.acquire(timeout=10)


def test_everything_is_done_by_so_many_threads_at_most() -> None:
    seen, hands = [], Hands(3)

    def act(number: int) -> None:
        time.sleep(0.005)
        seen.append((number, threading.current_thread().name))

    await_all(hands, *(partial(act, number) for number in range(50)))
    assert sorted(number for number, _ in seen) == [*range(50)]
    assert {name for _, name in seen} == {"gateway_1", "gateway_2", "gateway_3"}


def test_one_thread_is_enough_for_one_after_the_other() -> None:
    hands = Hands(20)
    for _ in range(5):
        await_all(hands, lambda: None)
        # It has answered, and begins to wait.
        time.sleep(0.02)
    assert hands.started == 1


def test_the_thread_that_began_to_wait_last_is_given_the_next() -> None:
    hands, names, together = Hands(2), [], threading.Barrier(2)
    await_all(hands, together.wait, partial(together.wait, 5))
    time.sleep(0.02)
    for _ in range(5):
        await_all(hands, lambda: names.append(threading.current_thread().name))
        time.sleep(0.02)
    assert len({*names}) == 1


def test_a_failure_is_told_to_the_log_and_the_thread_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    hands, seen = Hands(1), []

    def fail() -> None:
        raise SystemExit("secret")

    await_all(hands, fail, partial(seen.append, "after"))
    assert seen == ["after"]
    assert "could not be answered" in caplog.text


def test_where_no_thread_can_be_started_what_waits_is_done_once_one_can(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hands, done = Hands(1), threading.Event()

    def fail(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", fail)
        hands.do(done.set)
    assert "could not be started" in caplog.text
    assert hands.started == 0
    hands.look()
    assert done.wait(10)


class Crowd:
    """Works that go on until they are let go, and how many of them are at it."""

    def __init__(self, hands: Hands, count: int) -> None:
        self.at_it, self.go, self.hands = threading.Semaphore(0), threading.Event(), hands
        for _ in range(count):
            hands.do(self.work)

    def work(self) -> None:
        self.at_it.release()
        self.go.wait(10)

    def are(self, count: int) -> bool:
        """Whether so many more are at it now, and not one besides."""
        return all(self.at_it.acquire(timeout=10) for _ in range(count)) and not self.at_it.acquire(timeout=0.02)


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Hands, int], Crowd]]:
    monkeypatch.setattr(hands_module, "MOMENT", 60)
    made: list[Crowd] = []

    def make(hands: Hands, count: int) -> Crowd:
        made.append(Crowd(hands, count))
        return made[-1]

    yield make
    for each in made:
        each.go.set()


def test_a_few_are_at_work_at_once_and_all_is_done(crowd: Any) -> None:
    hands = Hands(10, at_once=2)
    some = crowd(hands, 6)
    assert some.are(2)
    assert hands.started == 2
    some.go.set()
    assert some.are(4)


def test_one_more_is_put_to_work_for_every_moment_that_one_has_waited(
    crowd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands = Hands(5, at_once=2)
    some = crowd(hands, 8)
    assert some.are(2)
    hands.look()
    assert some.are(0)
    since = hands.waiting[0][1]
    for seconds, more in ((59, 0), (61, 1), (119, 0), (121, 1), (600, 1)):
        with monkeypatch.context() as later:
            later.setattr(time, "monotonic", lambda now=since + seconds: now)
            hands.look()
        assert some.are(more)


def test_who_stands_aside_lets_another_work_and_is_counted_again_afterwards(crowd: Any) -> None:
    hands, aside, back = Hands(10, at_once=1), threading.Event(), threading.Event()

    def stand_aside() -> None:
        with hands.aside():
            aside.set()
            back.wait(10)

    hands.do(stand_aside)
    assert aside.wait(10)
    some = crowd(hands, 2)
    assert some.are(1)
    back.set()
    assert some.are(0)
    some.go.set()
    assert some.are(1)
    time.sleep(0.05)
    assert hands.at_work == 0


def test_who_is_no_hand_stands_aside_for_nobody() -> None:
    hands = Hands(1)
    with hands.aside():
        assert hands.at_work == 0
