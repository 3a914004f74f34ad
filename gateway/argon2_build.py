"""Start-up check that argon2 runs on this processor.

Otherwise an illegal instruction would end a worker at its first hash, without a log line.
"""

import signal
import subprocess
import sys

from django.core.management.base import CommandError

# Runs the same machine code as a password hash, at the lowest cost.
PROBE = 'import argon2; argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("x")'


def check_processor() -> None:
    """Raise CommandError if argon2 was compiled for instructions that this processor lacks."""
    # In a process of its own, because an illegal instruction ends the process.
    status = subprocess.run([sys.executable, "-c", PROBE], check=False).returncode  # noqa: S603
    if status == -signal.SIGILL:
        raise CommandError(
            "The installed argon2 was compiled for a newer processor. "
            "Build the image with --build-arg CPU=x86-64, or install argon2-cffi-bindings from its wheel."
        )
