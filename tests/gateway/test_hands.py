"""Threads that answer."""

import threading
import time
from functools import partial

import pytest

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


def test_a_thread_that_cannot_be_started_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    hands = Hands(1)

    def fail(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", fail)
        with pytest.raises(RuntimeError):
            hands.do(lambda: None)
    await_all(hands, lambda: None)
