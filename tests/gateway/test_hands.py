"""Threads that answer, and the loop that hears of it."""

import asyncio
import threading
import time
from functools import partial

import pytest

from gateway.hands import Hands


def test_everything_is_done_by_so_many_threads_at_most() -> None:
    seen, hands = [], Hands(3)

    def act(number: int) -> None:
        time.sleep(0.005)
        seen.append((number, threading.current_thread().name))

    async def main() -> None:
        await asyncio.gather(*(hands.do(partial(act, number)) for number in range(50)))

    asyncio.run(main())
    assert sorted(number for number, _ in seen) == [*range(50)]
    assert {name for _, name in seen} == {"gateway_1", "gateway_2", "gateway_3"}


def test_one_thread_is_enough_for_one_after_the_other() -> None:
    hands = Hands(20)

    async def main() -> None:
        for _ in range(5):
            await hands.do(lambda: None)

    asyncio.run(main())
    assert hands.started == 1


def test_a_failure_is_told_to_the_log_and_the_thread_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    hands, seen = Hands(1), []

    def fail() -> None:
        raise SystemExit("secret")

    async def main() -> None:
        await asyncio.gather(hands.do(fail), hands.do(partial(seen.append, "after")))

    asyncio.run(main())
    assert seen == ["after"]
    assert "could not be answered" in caplog.text


def test_one_who_waits_no_more_holds_up_nobody() -> None:
    hands, may_end = Hands(1), threading.Event()

    async def main() -> None:
        given_up = hands.do(lambda: may_end.wait(5) and None)
        other = hands.do(lambda: None)
        given_up.cancel()
        may_end.set()
        await other
        assert hands.untold == 0

    asyncio.run(main())
