"""The number of usable cores: affinity, then the quota of the container."""

import os
from pathlib import Path
from typing import Any

import pytest

from gateway.conf import cpu_quota


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A machine with eight cores and a folder of control groups. Call it to set a quota."""
    monkeypatch.setattr(cpu_quota, "CGROUPS", tmp_path / "groups")
    monkeypatch.setattr(cpu_quota, "OWN_CGROUP", tmp_path / "mine")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(8), raising=False)

    def grant(quota: str, *, group: str = "/") -> None:
        folder = tmp_path / "groups" / group.strip("/")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cpu.max").write_text(f"{quota}\n")
        (tmp_path / "mine").write_text(f"1:cpu:/other\n0::{group}\n")

    return grant


def test_without_a_quota_all_cores_count(machine: Any) -> None:
    assert cpu_quota.usable_cores() == 8


def test_affinity_limits_the_cores(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3}, raising=False)
    assert cpu_quota.usable_cores() == 1


def test_without_affinity_all_cores_of_the_machine_count(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    for found, used in ((4, 4), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda found=found: found)
        assert cpu_quota.usable_cores() == used


@pytest.mark.parametrize(
    ("quota", "used"),
    [
        ("max 100000", 8),
        ("200000 100000", 2),
        ("390000 100000", 3),
        ("50000 100000", 1),
        ("1600000 100000", 8),
        ("", 8),
        ("rubbish", 8),
    ],
)
@pytest.mark.parametrize("group", ["/", "/system.slice/gateway.service"])
def test_quota_of_the_container_limits_the_cores(machine: Any, quota: str, used: int, group: str) -> None:
    machine(quota, group=group)
    assert cpu_quota.usable_cores() == used


@pytest.mark.parametrize(
    ("above", "own", "used"),
    [("100000", "max", 1), ("200000", "400000", 2), ("400000", "200000", 2), ("max", "max", 8)],
)
def test_quota_of_a_parent_group_limits_the_cores(machine: Any, above: str, own: str, used: int) -> None:
    machine(f"{above} 100000", group="/pod")
    machine(f"{own} 100000", group="/pod/deeper/container")
    assert cpu_quota.usable_cores() == used


def test_group_outside_the_namespace_gets_the_quota_of_the_root(machine: Any, tmp_path: Path) -> None:
    machine("200000 100000")
    (tmp_path / "mine").write_text("0::/../elsewhere\n")
    assert cpu_quota.usable_cores() == 2
