"""Hashing, so many at once."""

import threading
from typing import Any

import pytest

from tests.api import PASSWORD, Api
from users import hashing
from users.errors import ServiceUnavailable
from users.models import Attempts


def test_no_more_hash_at_once_than_there_are_turns(at_once: Any) -> None:
    turns, together, most, lock = hashing.Turns(at_once=2, waiting=6), 0, 0, threading.Lock()
    pause = threading.Event()

    def hashed() -> None:
        nonlocal together, most
        with turns.one():
            with lock:
                together += 1
                most = max(most, together)
            pause.wait(0.01)
            with lock:
                together -= 1

    at_once([hashed] * 8)
    assert most == 2


def test_who_finds_every_seat_taken_is_sent_away_at_once() -> None:
    turns = hashing.Turns(at_once=1, waiting=0)
    with turns.one(), pytest.raises(ServiceUnavailable), turns.one():
        pass
    with turns.one():
        pass


def test_who_waits_too_long_is_sent_away_and_leaves_the_seat(monkeypatch: Any) -> None:
    monkeypatch.setattr(hashing, "PATIENCE", 0.01)
    turns = hashing.Turns(at_once=1, waiting=1)
    with turns.one():
        for _ in range(3):
            with pytest.raises(ServiceUnavailable), turns.one():
                pass


@pytest.fixture
def busy(monkeypatch: Any) -> Any:
    turns = hashing.Turns(at_once=1, waiting=0)
    monkeypatch.setattr(hashing, "turns", turns)
    with turns.one():
        yield


def test_while_hashing_is_saturated_sign_ins_are_told_when_to_come_back(api: Api, busy: None) -> None:
    answer = api.sign_in("alice", PASSWORD)
    assert answer.code == "SERVICE_UNAVAILABLE"
    assert answer.response["Retry-After"] == str(answer.extensions["retryAfter"])


def test_a_try_that_could_not_be_judged_is_not_counted(api: Api, busy: None) -> None:
    api.sign_in("alice", PASSWORD)
    assert set(Attempts.objects.values_list("tried", flat=True)) == {0}


def test_while_hashing_is_saturated_everything_else_is_served(api: Api, monkeypatch: Any) -> None:
    alice = api.join()
    turns = hashing.Turns(at_once=1, waiting=0)
    monkeypatch.setattr(hashing, "turns", turns)
    with turns.one():
        assert alice("{ me { username } }").data["me"]
        assert api.refresh(alice.refresh_token).data["refreshToken"]["token"]
        assert api.register("bob").code == "SERVICE_UNAVAILABLE"
    assert api.register("bob").data["register"]["token"]
