"""A worker in which requests are begun by granian's own thread."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from gateway import arrivals, leaving, worker
from gateway.arrivals import Arrival
from gateway.hands import hands


class Inner:
    """A loop that keeps what it is to do."""

    def __init__(self) -> None:
        self.acts: list[Any] = []

    def call_soon(self, act: Any, *args: Any, context: Any = None) -> None:
        self.acts.append((act, args, context))

    call_soon_threadsafe = call_soon


class Told(Arrival):
    """What is called when something has come."""

    __slots__ = ("heard",)

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def __call__(self, future: Any) -> None:
        self.heard.append(future)


@pytest.mark.parametrize("name", ["call_soon", "call_soon_threadsafe"])
def test_what_arrives_does_not_go_through_the_loop_and_all_else_does(name: str) -> None:
    inner, told = Inner(), Told()
    loop: Any = worker.Loop(inner, 0)
    getattr(loop, name)(told, "future", context=None)
    getattr(loop, name)(print, "a", context="c")
    assert told.heard == ["future"]
    assert inner.acts == [(print, ("a",), "c")]
    assert loop.acts is inner.acts


def test_f04_granian_hears_that_it_is_to_stop_when_who_is_here_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Any] = []
    monkeypatch.setattr(leaving, "begin", done.append)
    inner: Any = SimpleNamespace(
        add_signal_handler=lambda number, act, *args: act(*args), call_later=lambda *given: done.append(given)
    )
    loop: Any = worker.Loop(inner, 7)
    loop.add_signal_handler(15, print, "stop")
    assert done == [(leaving.SECONDS, print, "stop"), 7]


def test_granian_is_told_nothing_of_what_fails(caplog: pytest.LogCaptureFixture) -> None:
    def fail(*args: Any) -> None:
        raise SystemExit("secret")

    worker.attempt(fail, "scope", "protocol")
    assert "could not be begun" in caplog.text


def test_what_nobody_else_looks_after_is_looked_after_again_and_again() -> None:
    later: list[Any] = []
    loop, looked = SimpleNamespace(call_later=lambda *given: later.append(given)), []
    worker.look(loop, 0.25, partial(looked.append, "looked"))
    for _ in range(2):
        seconds, again, *given = later.pop()
        assert seconds == 0.25
        again(*given)
    assert looked == ["looked"] * 3


def test_a_worker_looks_after_late_bodies_and_after_work_that_nobody_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Any] = []
    monkeypatch.setattr(worker, "look", lambda loop, every, after: looks.append((every, after)))
    monkeypatch.setattr(worker.mp.MPServer._spawn_rsgi_worker, "__wrapped__", lambda *given: None)
    monkeypatch.setattr(worker.mp, "_new_cbscheduler", None)
    worker.run(1, print, (None, SimpleNamespace(get_fd=lambda: -1)), None, object())
    assert looks == [(worker.LOOK_FOR_BODIES, arrivals.look), (worker.LOOK_FOR_WORK, hands.look)]
