"""The door of a server that stops: nobody new comes in, and who stands in it already is let in.

Who has connected waits in the socket that listens until a worker takes them; where it is closed, they are reset, and a
proxy does not know whether their request was begun. So the kernel is told first to drop the packets that begin a
connection (the filter is that of a classic BPF program, see `man 7 socket`, SO_ATTACH_FILTER). Who asks for one sends
the packet again a second later, and is refused by then, which proxies take for a reason to ask elsewhere.
"""

import ctypes
import socket
import struct
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

# Seconds: for who is about to be connected, and for all who are until they have been taken.
LEAST, MOST = 0.1, 1.0
# Python has no name for it.
SO_ATTACH_FILTER = 26
# Where `tcp_info` says how many are connected to a socket that listens, and wait to be taken.
WAITING = struct.Struct("24xI")
# The flags of a packet, of them SYN and ACK; dropped where SYN stands alone, else taken whole.
FLAGS, MASK, BEGINNING, WHOLE = 13, 0x12, 0x02, 0xFFFFFFFF
INSTRUCTION = struct.Struct("HBBI")
PROGRAM = b"".join(
    INSTRUCTION.pack(*instruction)
    for instruction in (
        (0x30, 0, 0, FLAGS),
        (0x54, 0, 0, MASK),
        (0x15, 0, 1, BEGINNING),
        (0x06, 0, 0, 0),
        (0x06, 0, 0, WHOLE),
    )
)


def shut(listeners: Sequence[socket.socket]) -> None:
    """Let nobody connect to these any more, and wait, a moment at most, until all who have are taken."""
    # Where the kernel cannot, and only Linux can, who comes in the very last moment is reset.
    if sys.platform == "linux":
        for listener in listeners:
            with suppress(OSError):
                _drop_beginnings(listener)
        with suppress(OSError):
            _await_taken(listeners)


def waiting(listener: socket.socket) -> int:
    """How many have connected and were not taken yet."""
    (count,) = WAITING.unpack(listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, WAITING.size))
    return int(count)


def _await_taken(listeners: Sequence[socket.socket]) -> None:
    start = time.monotonic()
    while (passed := time.monotonic() - start) < LEAST or (passed < MOST and any(map(waiting, listeners))):
        time.sleep(0.01)


def _drop_beginnings(listener: socket.socket) -> None:
    program = ctypes.create_string_buffer(PROGRAM, len(PROGRAM))
    count, place = len(PROGRAM) // INSTRUCTION.size, ctypes.addressof(program)
    listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", count, place))
