"""A worker that was told to stop leaves who comes to its successor, and says so to who is here."""

import socket
from collections.abc import Iterator

import pytest

from gateway import leaving
from gateway.rsgi import go_on, serve
from tests.gateway.test_rsgi import Protocol, scope


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket that listens, as a worker has it."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.setblocking(False)
        yield made
    leaving.word.clear()


def test_f04_who_comes_is_left_to_the_successor_who_has_the_same_socket(listener: socket.socket) -> None:
    address = listener.getsockname()
    with listener.dup() as successor:
        leaving.begin(listener.fileno())
        with socket.create_connection(address) as client:
            with pytest.raises(BlockingIOError):
                listener.accept()
            accepted, who = successor.accept()
            accepted.close()
            assert who == client.getsockname()


def test_f04_who_is_here_is_told_also_where_the_socket_cannot_be_replaced(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(listener: int) -> None:
        raise OSError

    monkeypatch.setattr(leaving, "accept_nobody", fail)
    with pytest.raises(OSError):
        leaving.begin(listener.fileno())
    assert leaving.word == [("connection", "close")]


@pytest.mark.parametrize("path", ["/graphql", "/healthz"])
def test_f04_every_answer_says_that_it_is_the_last_on_its_connection(listener: socket.socket, path: str) -> None:
    def headers() -> list[tuple[str, str]]:
        protocol = Protocol()
        if path == "/healthz":
            serve(scope(path=path, method="GET"), protocol)
        else:
            go_on(scope(path=path), protocol, b"{}")
        assert protocol.answered.wait(5)
        return protocol.answer[1]

    assert ("connection", "close") not in headers()
    leaving.begin(listener.fileno())
    assert ("connection", "close") in headers()
