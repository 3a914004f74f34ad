"""Bodies that come at once, in pieces, late, or not at all."""

import asyncio
import gc
import time
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from gateway import arrivals
from gateway.arrivals import Arrival, Pieces


class Future:
    """What the server says will come."""

    def __init__(self) -> None:
        self.heard: Any = None
        self.outcome: Any = None

    def add_done_callback(self, heard: Any, context: Any) -> None:
        self.heard = heard

    def result(self) -> bytes:
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        assert isinstance(self.outcome, bytes)
        return self.outcome

    def come(self, outcome: bytes | BaseException) -> bool:
        if self.outcome is not None:
            return False
        self.outcome = outcome
        self.heard(self)
        return True

    def cancel(self) -> bool:
        return self.come(asyncio.CancelledError())


class Protocol:
    """A connection on which a body comes, in so many pieces."""

    def __init__(self, pieces: int = 1) -> None:
        self.left = pieces
        self.futures: list[Future] = []

    def __call__(self) -> Future:
        self.futures.append(Future())
        return self.futures[-1]

    def __aiter__(self) -> "Protocol":
        return self

    def __anext__(self) -> Future:
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        return self()


@pytest.fixture(autouse=True)
def _tidy() -> Iterator[None]:
    yield
    assert not arrivals.underway


@pytest.fixture
def told() -> list[bytes | None]:
    return []


def test_a_body_is_told_when_it_is_here(told: list[bytes | None]) -> None:
    protocol = Protocol()
    Arrival(protocol, told.append)
    assert not told
    assert len(arrivals.underway) == 1
    protocol.futures[0].come(b"{}")
    assert told == [b"{}"]


def test_a_body_in_pieces_is_told_when_the_last_is_here(told: list[bytes | None]) -> None:
    protocol = Protocol(3)
    Pieces(protocol, told.append, 10)
    for piece in (b"ab", b"", b"cd"):
        assert not told
        protocol.futures[-1].come(piece)
    assert told == [b"abcd"]


def test_of_a_body_no_more_is_read_than_shows_that_it_is_too_large(told: list[bytes | None]) -> None:
    protocol = Protocol(50)
    Pieces(protocol, told.append, 10)
    while not told:
        protocol.futures[-1].come(b"x" * 6)
    assert told == [b"x" * 12]
    assert len(protocol.futures) == 2


@pytest.mark.parametrize("pieces", [1, 3])
def test_who_leaves_is_told_nothing(told: list[bytes | None], pieces: int) -> None:
    protocol = Protocol(pieces)
    Pieces(protocol, told.append, 10)
    for _ in range(pieces - 1):
        protocol.futures[-1].come(b"a")
    protocol.futures[-1].come(RuntimeError("gone"))
    assert not told


def test_f15_a_body_that_dribbles_is_given_up(monkeypatch: pytest.MonkeyPatch, told: list[bytes | None]) -> None:
    monkeypatch.setattr(arrivals, "BODY_SECONDS", 0.1)
    protocol = Protocol(100)
    Pieces(protocol, told.append, 1_000)
    until = time.monotonic() + 5
    while not told and time.monotonic() < until:
        protocol.futures[-1].come(b" ")
        arrivals.look()
        time.sleep(0.02)
    assert told == [None]
    assert 4 < len(protocol.futures) < 20


def test_what_cannot_be_asked_for_is_not_waited_for(told: list[bytes | None]) -> None:
    with pytest.raises(TypeError):
        Arrival(object(), told.append)


def test_what_is_not_late_is_waited_for(told: list[bytes | None]) -> None:
    protocol = Protocol()
    Arrival(protocol, told.append)
    arrivals.look()
    assert not told
    protocol.futures[0].come(b"")
    assert told == [b""]


def test_what_comes_at_the_moment_of_giving_up_is_looked_at_again(
    monkeypatch: pytest.MonkeyPatch, told: list[bytes | None]
) -> None:
    monkeypatch.setattr(arrivals, "BODY_SECONDS", -1)
    protocol = Protocol()
    Arrival(protocol, told.append)
    (future,) = protocol.futures
    (arrival,) = arrivals.underway
    # Taken, while the next piece is not asked for yet.
    arrival.future = None
    arrivals.look()
    assert not told
    arrival.future = future
    arrivals.look()
    assert told == [None]


def test_what_has_come_holds_nothing_of_the_server(told: list[bytes | None]) -> None:
    class Gone:
        def __call__(self, body: bytes | None) -> None:
            told.append(body)

    then, protocol = Gone(), Protocol()
    gone = weakref.ref(then)
    Arrival(protocol, then)
    gc.disable()
    try:
        protocol.futures[0].come(b"")
        # The server's future lets go of who heard of it, and the other way round.
        protocol.futures.clear()
        del then
        assert gone() is None
    finally:
        gc.enable()
