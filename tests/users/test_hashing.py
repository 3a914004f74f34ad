"""Hashing, so many at once."""

import threading
from typing import Any

import pytest

from tests.api import PASSWORD, Api
from users import hashing
from users.errors import ServiceUnavailable
from users.models import Attempts


def test_no_more_hash_at_once_than_there_are_turns(at_once: Any) -> None:
    turns, together, most, lock = hashing.Turns(at_once=2, waiting=0), 0, 0, threading.Lock()
    pause = threading.Event()

    def hashed() -> None:
        nonlocal together, most
        with turns.turn():
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
    with turns.seat(), pytest.raises(ServiceUnavailable), turns.seat():
        pass
    with turns.seat():
        pass


def test_who_waits_too_long_is_sent_away(monkeypatch: Any) -> None:
    monkeypatch.setattr(hashing, "PATIENCE", 0.01)
    turns = hashing.Turns(at_once=1, waiting=1)
    with turns.turn(), pytest.raises(ServiceUnavailable), turns.turn():
        pass
    with turns.turn():
        pass


@pytest.fixture
def busy(monkeypatch: Any) -> Any:
    turns = hashing.Turns(at_once=1, waiting=0)
    monkeypatch.setattr(hashing, "turns", turns)
    with turns.seat():
        yield


def test_while_hashing_is_saturated_sign_ins_are_told_when_to_come_back(api: Api, busy: None) -> None:
    answer = api.sign_in("alice", PASSWORD)
    assert answer.code == "SERVICE_UNAVAILABLE"
    assert answer.response["Retry-After"] == str(answer.extensions["retryAfter"])


def test_who_finds_no_seat_costs_no_statement(api: Api, busy: None, statements: Any) -> None:
    with statements() as seen:
        api.sign_in("alice", PASSWORD)
    assert not seen


def test_a_try_that_could_not_be_judged_is_not_counted(api: Api, monkeypatch: Any) -> None:
    turns = hashing.Turns(at_once=1, waiting=1)
    monkeypatch.setattr(hashing, "turns", turns)
    monkeypatch.setattr(hashing, "PATIENCE", 0.01)
    with turns.turn():
        assert api.sign_in("alice", PASSWORD).code == "SERVICE_UNAVAILABLE"
    assert set(Attempts.objects.values_list("tried", flat=True)) == {0}


def test_while_hashing_is_saturated_everything_else_is_served(api: Api, monkeypatch: Any) -> None:
    alice = api.join()
    turns = hashing.Turns(at_once=1, waiting=0)
    monkeypatch.setattr(hashing, "turns", turns)
    with turns.seat():
        assert alice("{ me { username } }").data["me"]
        assert api.refresh(alice.refresh_token).data["refreshToken"]["token"]
        assert api.register("bob").code == "SERVICE_UNAVAILABLE"
    assert api.register("bob").data["register"]["token"]
