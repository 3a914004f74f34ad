"""The CPU cores that this process may use: its affinity and the quota of its container."""

import os
from pathlib import Path

# Linux control groups, version 2.
CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")


def usable_cores() -> int:
    """Return the number of cores that this process may use, at least one."""
    quota = _container_quota()
    return max(1, _affinity() if quota is None else min(_affinity(), quota))


def _affinity() -> int:
    # sched_getaffinity exists on Linux only.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _container_quota() -> int | None:
    try:
        (own,) = [line[3:] for line in OWN_CGROUP.read_text().splitlines() if line.startswith("0::")]
    except (OSError, ValueError):
        return None
    group = CGROUPS / own.strip("/")
    # The quota of a parent group limits its children too.
    quotas = [_group_quota(each) for each in (group, *group.parents) if each.is_relative_to(CGROUPS)]
    return min((each for each in quotas if each is not None), default=None)


def _group_quota(group: Path) -> int | None:
    try:
        quota, period = (group / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) // int(period)
    except (OSError, ValueError):
        return None
