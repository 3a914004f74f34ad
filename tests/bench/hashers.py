"""The gateway's hasher for benches: clocked, left out, or only waited for."""

import base64
import mmap
import os
import statistics
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from users.crypto.hashers import Argon2

# Named in the environment of a server: a file in which it counts hashes, and the nanoseconds that they took.
CLOCK = "BENCH_CLOCK"
COUNTED = struct.Struct("qq")
PAUSE = 0.022
HASHES = 40
_lock = threading.Lock()


class Clocked(Argon2):
    """Tells the bench how much CPU its hashes take, each by the clock of its own thread."""

    def encode(self, password: str, salt: str) -> str:
        """The hash to keep."""
        with clocked():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        """Whether the hash was made of this password."""
        with clocked():
            return super().verify(password, encoded)


class Absent(Argon2):
    """Takes any password for the right one, at once."""

    def encode(self, password: str, salt: str) -> str:
        """What looks like a hash."""
        kept = base64.b64encode(salt.encode()).decode().rstrip("=")
        return f"argon2$argon2id$v=19$m={self.memory_cost},t={self.time_cost},p={self.parallelism}${kept}${'A' * 43}"

    def verify(self, password: str, encoded: str) -> bool:
        """Always."""
        return True


class Paused(Absent):
    """The same, after as long as a hash takes, for which the thread sleeps."""

    def encode(self, password: str, salt: str) -> str:
        """What looks like a hash."""
        time.sleep(PAUSE)
        return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        """Always."""
        time.sleep(PAUSE)
        return True


@contextmanager
def clocked() -> Iterator[None]:
    """Count what is done within, where a bench wants to know."""
    start = time.thread_time_ns()
    try:
        yield
    finally:
        taken = time.thread_time_ns() - start
        if _clock:
            with _lock:
                count, sum = COUNTED.unpack_from(_clock)
                COUNTED.pack_into(_clock, 0, count + 1, sum + taken)


def reset(file: Path) -> None:
    """Make a clock that has counted nothing."""
    file.write_bytes(bytes(COUNTED.size))


def read(file: Path) -> tuple[int, float]:
    """How many hashes a clock has counted, and the seconds of CPU that they took."""
    count, sum = COUNTED.unpack(file.read_bytes())
    return count, sum / 1e9


def build() -> str:
    """Return how the installed argon2 was built: the tag of a wheel from an index, or compiled on a machine."""
    wheel = metadata.distribution("argon2-cffi-bindings").read_text("WHEEL") or ""
    return "the index's wheel" if "manylinux" in wheel or "musllinux" in wheel else "compiled from source"


def cost() -> float:
    """Return the milliseconds of CPU that one hash takes alone: the median of some."""
    hasher, times = Argon2(), []
    for _ in range(HASHES):
        start = time.thread_time_ns()
        hasher.encode("password", "0123456789abcdef")
        times.append(time.thread_time_ns() - start)
    return statistics.median(times) / 1e6


def _shared() -> mmap.mmap | None:
    if CLOCK not in os.environ:
        return None
    with Path(os.environ[CLOCK]).open("r+b") as file:
        return mmap.mmap(file.fileno(), COUNTED.size)


_clock = _shared()

if __name__ == "__main__":
    print(f"argon2 ({build()}): {cost():.1f} ms a hash")
