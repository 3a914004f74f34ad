"""A wire between a gateway and its database, that can be cut and can fall silent."""

import socket
import threading
from contextlib import suppress


class Relay:
    """Passes bytes on in both directions; frozen it passes none, cut it takes no connection."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.flowing = threading.Event()
        self.flowing.set()
        self.is_cut = False
        self.open: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        """Pass nothing on; connections stay open, as with a machine that hangs."""
        self.flowing.clear()

    def thaw(self) -> None:
        """Pass on what has waited."""
        self.flowing.set()

    def cut(self) -> None:
        """Break every connection and take none."""
        self.is_cut = True
        for each in self.open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self.open.clear()

    def mend(self) -> None:
        """Take connections again."""
        self.is_cut = False

    def close(self) -> None:
        """The end of it."""
        self.thaw()
        self.cut()
        self.listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                if self.is_cut:
                    near.close()
                    continue
                far = socket.create_connection(self.target)
                self.open += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self.flowing.wait()
                sink.sendall(data)
        for each in (source, sink):
            # Closed alone, it would stay open for as long as the other thread listens to it.
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
