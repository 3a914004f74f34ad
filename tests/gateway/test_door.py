"""Nobody new comes in by a door that was shut, and who stands in it is let in."""

import socket
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from gateway import door

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can shut it")


@pytest.fixture(params=[socket.AF_INET, socket.AF_INET6])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    """A socket that listens."""
    host = "127.0.0.1" if request.param == socket.AF_INET else "::1"
    with socket.create_server((host, 0), family=request.param) as made:
        yield made


def connect(listener: socket.socket, timeout: float = 5) -> socket.socket:
    """A connection to it."""
    return socket.create_connection(listener.getsockname()[:2], timeout=timeout)


def take(listener: socket.socket) -> bytes:
    """What the next client that was connected says first."""
    taken, _ = listener.accept()
    with taken:
        return taken.recv(100)


def test_f03_who_is_connected_is_waited_for_and_heard(listener: socket.socket) -> None:
    taken: list[bytes] = []
    with connect(listener) as client:
        assert door.waiting(listener) == 1
        worker = threading.Timer(0.4, lambda: taken.append(take(listener)))
        worker.start()
        door.shut([listener])
        assert door.waiting(listener) == 0
        client.sendall(b"a request")
        worker.join(5)
    assert taken == [b"a request"]


def test_f03_who_comes_then_is_refused_and_not_reset(listener: socket.socket) -> None:
    door.shut([listener])
    with pytest.raises(TimeoutError):
        connect(listener, timeout=0.3)
    assert door.waiting(listener) == 0
    threading.Timer(0.3, listener.close).start()
    with pytest.raises(ConnectionRefusedError):
        connect(listener)


def test_who_is_taken_by_nobody_is_not_waited_for_for_ever(listener: socket.socket) -> None:
    with connect(listener):
        start = time.monotonic()
        door.shut([listener])
        assert time.monotonic() - start < 3 * door.MOST
        assert door.waiting(listener) == 1


def test_a_kernel_that_takes_no_filter_holds_up_no_stop(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "PROGRAM", b"")
    door.shut([listener])
    with connect(listener):
        assert door.waiting(listener) == 1


def test_one_that_cannot_be_shut_leaves_no_other_open(listener: socket.socket) -> None:
    closed = socket.create_server(("127.0.0.1", 0))
    closed.close()
    door.shut([closed, listener])
    with pytest.raises(TimeoutError):
        connect(listener, timeout=0.3)
