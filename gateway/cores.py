"""How many cores the gateway may keep busy, which is not how many the machine has."""

import os
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
MINE = Path("/proc/self/cgroup")


def usable() -> int:
    """The cores that this process may run on, and no more than its container is granted; one at least."""
    granted = _granted()
    return max(1, _allowed() if granted is None else min(_allowed(), granted))


def _allowed() -> int:
    # Only Linux tells.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _granted() -> int | None:
    try:
        (mine,) = [line[3:] for line in MINE.read_text().splitlines() if line.startswith("0::")]
        quota, period = (GROUPS / mine.strip("/") / "cpu.max").read_text().split()
    except (OSError, ValueError):
        return None
    return None if quota == "max" else int(quota) // int(period)
