"""A mail server with configurable behavior, and a mail worker in a process of its own."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from tests import mailbox
from tests.server import ROOT, TIMEOUT, gateway_environment


class MailServer:
    """Takes mail, unless a verb is to be refused, or its yes to be held back."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.refusals: dict[str, str] = {}
        self.in_hand = threading.Event()
        self.let_go = threading.Event()
        self.let_go.set()

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        envelope.mail_from = address
        return self.refusals.get("MAIL", "250 OK")

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if "RCPT" not in self.refusals:
            envelope.rcpt_tos.append(address)
        return self.refusals.get("RCPT", "250 OK")

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.in_hand.set()
        # In a thread, so that the server's loop notices connections meanwhile.
        await server.loop.run_in_executor(None, self.let_go.wait, TIMEOUT)
        if "DATA" in self.refusals:
            return self.refusals["DATA"]
        if "yes" in self.refusals:
            self._keep(envelope)
            server.transport.abort()
        if not server.transport.is_closing():
            self._keep(envelope)
        return "250 OK"

    def hold(self) -> None:
        """Keep the next letter in hand."""
        self.in_hand.clear()
        self.let_go.clear()

    def _keep(self, envelope: Any) -> None:
        message = message_from_bytes(envelope.content)
        message["X-To"] = ",".join(envelope.rcpt_tos)
        self.messages.append(message)

    @property
    def tokens(self) -> list[str]:
        return [mailbox.TOKEN.search(plain_text(message))[1] for message in self.messages]


def plain_text(message: Message) -> str:
    """Return the plain text part."""
    (part,) = [each for each in message.walk() if each.get_content_type() == "text/plain"]
    return part.get_payload(decode=True).decode()


@contextmanager
def running_mail_server(port: int, postbox: MailServer, **how: Any) -> Iterator[MailServer]:
    """A postbox, open as long as the block."""
    controller = Controller(postbox, hostname="127.0.0.1", port=port, **how)
    controller.start()
    try:
        yield postbox
    finally:
        postbox.let_go.set()
        controller.stop()


@contextmanager
def misbehaving_server(port: int, greet: Callable[[socket.socket], None]) -> Iterator[list[int]]:
    """A server that does no more than greet in its own way; who came."""
    guests: list[int] = []
    is_over = threading.Event()

    def welcome(guest: socket.socket) -> None:
        with guest:
            try:
                greet(guest)
                while not is_over.is_set() and guest.recv(1024):
                    pass
            except OSError:
                pass

    def serve() -> None:
        while True:
            try:
                guest, address = server.accept()
            except OSError:
                return
            guests.append(address[1])
            threading.Thread(target=welcome, args=(guest,), daemon=True).start()

    with socket.create_server(("127.0.0.1", port)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield guests
        finally:
            is_over.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextmanager
def running_worker(
    folder: Path, settings: dict[str, str], *, name: str = "worker"
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker, as long as the block."""
    command = [sys.executable, "manage.py", "db_worker", "--interval=0.05", f"--worker-id={name}"]
    with (
        (folder / f"{name}.log").open("wb") as log,
        subprocess.Popen(command, cwd=ROOT, env=gateway_environment(settings), stdout=log, stderr=log) as worker,
    ):
        try:
            yield worker
        finally:
            if worker.poll() is None:
                worker.send_signal(signal.SIGKILL)
