"""The gateway's hasher, with a measurement of the CPU time that hashes take, and of both builds of argon2."""

import mmap
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from users.crypto.hashers import Argon2

# Names a file in which a server counts its hashes, and the nanoseconds of CPU that they took.
CLOCK = "BENCH_CLOCK"
COUNTED = struct.Struct("qq")
HASHES = 40
BINDINGS = "argon2-cffi-bindings"
WHEEL, COMPILED = "the wheel of the package index", "compiled for this processor"
lock = threading.Lock()


class TimedArgon2(Argon2):
    """Measures the CPU time of each hash with the clock of its thread."""

    def encode(self, password: str, salt: str) -> str:
        """Return the encoded hash."""
        with timed():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        """Return whether the hash was made from this password."""
        with timed():
            return super().verify(password, encoded)


@contextmanager
def timed() -> Iterator[None]:
    """Count one hash and the CPU time of this thread, if the environment names a file."""
    start = time.thread_time_ns()
    try:
        yield
    finally:
        taken = time.thread_time_ns() - start
        if clock:
            with lock:
                count, total = COUNTED.unpack_from(clock)
                COUNTED.pack_into(clock, 0, count + 1, total + taken)


def reset(file: Path) -> None:
    """Create the file, with no hash counted."""
    file.write_bytes(bytes(COUNTED.size))


def read(file: Path) -> tuple[int, float]:
    """Return the number of hashes counted, and the seconds of CPU that they took."""
    count, total = COUNTED.unpack(file.read_bytes())
    return count, total / 1e9


def build() -> str:
    """Return how the installed argon2 was built."""
    wheel = metadata.distribution(BINDINGS).read_text("WHEEL") or ""
    return WHEEL if "manylinux" in wheel or "musllinux" in wheel else COMPILED


def cost() -> float:
    """Return the milliseconds of CPU that one hash takes alone: the median of several."""
    hasher, times = Argon2(), []
    for _ in range(HASHES):
        start = time.thread_time_ns()
        hasher.encode("password", "0123456789abcdef")
        times.append(time.thread_time_ns() - start)
    return statistics.median(times) / 1e6


def describe_other_build() -> str:
    """Return the build that is not installed and its cost, or that it cannot be installed here."""
    is_wheel = build() == WHEEL
    options = ["--no-cache-dir", f"--no-binary={BINDINGS}"] if is_wheel else [f"--only-binary={BINDINGS}"]
    package = f"{BINDINGS}=={metadata.version(BINDINGS)}"
    with tempfile.TemporaryDirectory() as folder:
        install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", folder, *options, package]
        environment = {**os.environ, "CFLAGS": "-O3 -march=native", "PYTHONPATH": folder}
        environment.pop(CLOCK, None)
        if subprocess.run(install, env=environment, capture_output=True).returncode:
            return f"{COMPILED if is_wheel else WHEEL}: cannot be installed here"
        command = [sys.executable, "-m", "tests.bench.hashers"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def shared_clock() -> mmap.mmap | None:
    """Return the file that the environment names, as memory."""
    if CLOCK not in os.environ:
        return None
    with Path(os.environ[CLOCK]).open("r+b") as file:
        return mmap.mmap(file.fileno(), COUNTED.size)


clock = shared_clock()

if __name__ == "__main__":
    print(f"{build()}: {cost():.1f} ms a hash")
