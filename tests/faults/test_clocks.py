"""A clock that jumps under a running gateway."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.api import PASSWORD
from tests.faults.conftest import Start
from tests.faults.storm import JOIN, ME, REFRESH, SIGN_IN, told

LIBRARY = next((str(each) for each in Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), "")
pytestmark = pytest.mark.skipif(not LIBRARY, reason="faketime is not installed (apt-get install faketime)")
HOUR = 3_600
# Seconds until a gateway has seen that its clock was set.
SEEN = 2.5


@pytest.fixture
def jump(tmp_path: Path) -> Callable[[int], None]:
    """Sets the gateway's clock so many seconds away from ours."""
    file = tmp_path / "clock"

    def to(seconds: int) -> None:
        file.write_text(f"{seconds:+d}\n")

    to(0)
    return to


@pytest.mark.parametrize("seconds", [HOUR, -HOUR, -24 * HOUR])
def test_f18_a_clock_that_jumps_ends_no_session_and_makes_nobody_wait_longer_than_a_window(
    start: Start, tmp_path: Path, jump: Callable[[int], None], seconds: int
) -> None:
    gateway = start(
        f"sqlite:///{tmp_path / 'db.sqlite3'}",
        LD_PRELOAD=LIBRARY,
        FAKETIME_TIMESTAMP_FILE=str(tmp_path / "clock"),
        # Not at every question for the time: the library looks under a lock, and what is forked meanwhile hangs.
        FAKETIME_CACHE_DURATION="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
        GATEWAY_LIMIT_SIGN_IN_HERE="3 in 5 minutes",
    )
    origin = gateway.origin
    alice = told(origin, JOIN, n="alice", e="alice@example.com", p=PASSWORD)["data"]["register"]
    spent = alice["refreshToken"]
    alice = told(origin, REFRESH, t=spent)["data"]["refreshToken"]
    for _ in range(4):
        told(origin, SIGN_IN, n="mallory", p="a wrong guess")
    jump(seconds)
    time.sleep(SEEN)
    # Over, or from the future: neither is believed, and neither ends anything.
    refused = told(origin, ME, token=alice["token"])["errors"][0]["extensions"]
    assert (refused["code"], refused["reason"]) in {
        ("UNAUTHENTICATED", "TOKEN_EXPIRED"),
        ("UNAUTHENTICATED", "TOKEN_INVALID"),
    }
    for _ in range(3):
        alice = told(origin, REFRESH, t=alice["refreshToken"])["data"]["refreshToken"]
        assert told(origin, ME, token=alice["token"])["data"]["me"] == {"username": "alice"}
    answers = [told(origin, SIGN_IN, n="mallory", p="a wrong guess")["errors"][0]["extensions"] for _ in range(5)]
    assert all(answer.get("retryAfter", 0) <= 300 for answer in answers)
    assert told(origin, SIGN_IN, n="alice", p=PASSWORD)["data"]["tokenAuth"]
    jump(0)
    time.sleep(SEEN)
    alice = told(origin, REFRESH, t=alice["refreshToken"])["data"]["refreshToken"]
    assert told(origin, ME, token=alice["token"])["data"]["me"] == {"username": "alice"}
