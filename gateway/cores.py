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
    # By the second version of Linux's control groups; whatever stands above a group binds it too.
    try:
        (mine,) = [line[3:] for line in MINE.read_text().splitlines() if line.startswith("0::")]
    except (OSError, ValueError):
        return None
    group = GROUPS / mine.strip("/")
    quotas = [_quota(each) for each in (group, *group.parents) if each.is_relative_to(GROUPS)]
    return min((each for each in quotas if each is not None), default=None)


def _quota(group: Path) -> int | None:
    try:
        quota, period = (group / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) // int(period)
    except (OSError, ValueError):
        return None
