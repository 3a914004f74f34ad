"""A worker that was told to stop: nobody comes to it any more, and who has come is answered.

Granian closes at once each connection on which no request is under way, and so breaks off a client that has connected
and is about to ask, or asks again just then. Here new connections are left to the successor first, and for a while
those that are open are served; each answer says that it is the last on its connection. What is closed after that was
silent all the while.
"""

import os
import socket

SECONDS = 1.0

# Headers that every answer has.
word: list[tuple[str, str]] = []


def begin(listener: int) -> None:
    """Take no connection any more, and say so to those who are here."""
    word[:] = [("connection", "close")]
    accept_nobody(listener)


def accept_nobody(listener: int) -> None:
    """Put a socket that nobody knows in the place of the one that listens, which the server and the successor have.

    It must listen too: granian asks it for connections as before, without a pause where it gets an error.
    """
    with socket.create_server(("127.0.0.1", 0)) as unknown:
        # One that blocks would hold up all that granian does.
        unknown.setblocking(False)
        os.dup2(unknown.fileno(), listener, inheritable=False)
