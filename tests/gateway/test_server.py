"""The server process tells load balancers before it stops."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from granian import Granian

from gateway.server import Server


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


def test_a_second_signal_ends_the_wait(server: Any) -> None:
    server.notice = 60
    threading.Timer(0.2, server.main_loop_interrupt.set).start()
    start = time.monotonic()
    server.shutdown()
    assert time.monotonic() - start < 5
