"""The server process: granian, which tells load balancers before it stops, and keeps the sockets that listen."""

import socket
import sys
import threading
from pathlib import Path
from typing import Any

from granian import Granian
from granian._granian import ListenerSpec
from granian.server.mp import WorkerProcess

from gateway import door, health, worker

# The sockets that listen, as granian and as Python know them; a process that is forked has a copy of each.
listeners: list[tuple[Any, socket.socket]] = []
# Seconds; how long a signal may go unnoticed.
LOOK_EVERY = 0.5


class Interrupt(threading.Event):
    """What granian waits for: of two signals at nearly one moment, Python wakes nobody now and then."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for it; without an end, look now and then."""
        if timeout is not None:
            return super().wait(timeout)
        while not super().wait(LOOK_EVERY):
            pass
        return True


class Server(Granian):  # type: ignore[misc, valid-type]
    """Starts the workers, starts another where one dies, and stops them when told to."""

    def __init__(self, *arguments: Any, folder: Path, notice: int, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.folder, self.notice = folder, notice
        self.main_loop_interrupt = Interrupt()

    def serve(self, *arguments: Any, **options: Any) -> None:
        """Serve by workers of our own kind."""
        super().serve(spawn_worker, *arguments, **options)

    def _init_shared_socket(self) -> None:
        """Bind a socket for each worker, among which the kernel shares out who comes.

        Granian has each worker make its own, and who waits in it is reset when the worker ends. These stay: its
        successor, which has the same one, takes who waits.
        """
        self._ssp = None
        # Only Linux shares out who comes among several; elsewhere all workers have one.
        for _ in range(self.workers if sys.platform == "linux" else 1):
            holder = ListenerSpec(self.bind_addr, self.bind_port, self.backlog).build()
            listeners.append((holder, socket.socket(fileno=holder.get_fd())))

    def _spawn_worker(self, idx: int, **how: Any) -> Any:
        self._shd, self._sso = listeners[idx % len(listeners)]
        return super()._spawn_worker(idx, **how)

    def _drop_shared_socket(self) -> None:
        for _, listener in listeners:
            listener.close()

    def shutdown(self, exit_code: int = 0) -> None:
        """Say by /readyz that no request should come any more, wait until that was heard, then stop."""
        (self.folder / health.LEAVING).touch()
        self.main_loop_interrupt.clear()
        # A second signal ends the wait.
        self.main_loop_interrupt.wait(self.notice)
        door.shut([listener for _, listener in listeners])
        super().shutdown(exit_code)


@WorkerProcess.wrap_target
def spawn_worker(number: int, serve: Any, sock: Any, *more: Any) -> None:
    """Be a worker."""
    for holder, listener in listeners:
        # What others have ended would go on listening here.
        if holder.get_fd() != sock[1].get_fd():
            listener.close()
    worker.run(number, serve, sock, *more)
