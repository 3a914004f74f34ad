"""The server process tells load balancers before it stops."""

import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from granian import Granian

from gateway import door
from gateway import server as module
from gateway.server import Server
from tests.server import free_ports


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A server without workers."""
    monkeypatch.setattr(Granian, "shutdown", lambda self, exit_code=0: None)
    made: Any = Server.__new__(Server)
    made.folder, made.notice, made.main_loop_interrupt = tmp_path, 0.5, threading.Event()
    made.main_loop_interrupt.set()
    return made


def test_f03_it_says_that_it_will_stop_and_gives_others_time_to_hear_it(server: Any, tmp_path: Path) -> None:
    start = time.monotonic()
    server.shutdown()
    assert (tmp_path / "leaving").exists()
    assert 0.4 < time.monotonic() - start < 2


def test_f03_the_door_is_shut_before_workers_are_told(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Any] = []
    server.notice = 0
    monkeypatch.setattr(module, "listeners", [("as granian knows it", "as Python does")])
    monkeypatch.setattr(door, "shut", done.append)
    monkeypatch.setattr(Granian, "shutdown", lambda self, exit_code=0: done.append("told"))
    server.shutdown()
    assert done == [["as Python does"], "told"]


def test_a_second_signal_ends_the_wait(server: Any) -> None:
    server.notice = 60
    threading.Timer(0.2, server.main_loop_interrupt.set).start()
    start = time.monotonic()
    server.shutdown()
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(("platform", "count"), [("linux", 3), ("darwin", 1)])
def test_workers_have_a_socket_each_where_the_kernel_shares_out_who_comes(
    server: Any, monkeypatch: pytest.MonkeyPatch, platform: str, count: int
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(module, "listeners", [])
    monkeypatch.setattr(Granian, "_spawn_worker", lambda self, idx: self._sso.fileno())
    server.workers, server.bind_addr, server.backlog, (server.bind_port,) = 3, "127.0.0.1", 16, free_ports(1)
    server._init_shared_socket()
    first, *others = [server._spawn_worker(number) for number in range(3)]
    assert len({first, *others}) == count
    # Whoever takes the place of another has the socket of that one.
    assert server._spawn_worker(0) == first
    server._drop_shared_socket()
    assert all(listener.fileno() == -1 for _, listener in module.listeners)


def test_a_signal_that_wakes_nobody_is_noticed_all_the_same(tmp_path: Path) -> None:
    interrupt = Server("gateway.rsgi:serve", folder=tmp_path, notice=0).main_loop_interrupt
    waiting = threading.Thread(target=interrupt.wait, daemon=True)
    waiting.start()
    # As `set` does, but for waking who waits.
    interrupt._flag = True
    waiting.join(10 * module.LOOK_EVERY)
    assert not waiting.is_alive()
