"""Waits for conditions in tests, in place of pauses of a fixed length."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
TIMEOUT = 30


def wait_until(condition: Callable[[], T], timeout: float = TIMEOUT) -> T:
    """Return the first true value of the condition, and fail if there is none before the timeout."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"the condition was not met within {timeout} seconds"
        time.sleep(0.01)
    return value
