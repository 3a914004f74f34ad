"""The gateway takes no more cores than it was given."""

import os
from pathlib import Path
from typing import Any

import pytest

from gateway import cores


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A machine of eight cores that grants a process what a file says."""
    monkeypatch.setattr(cores, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(cores, "MINE", tmp_path / "mine")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(8), raising=False)

    def grant(quota: str, *, group: str = "/") -> None:
        folder = tmp_path / "groups" / group.strip("/")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cpu.max").write_text(f"{quota}\n")
        (tmp_path / "mine").write_text(f"1:cpu:/other\n0::{group}\n")

    return grant


def test_all_cores_are_used_where_nothing_is_said(machine: Any) -> None:
    assert cores.usable() == 8


def test_of_the_cores_of_the_machine_those_count_that_the_process_may_run_on(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3}, raising=False)
    assert cores.usable() == 1


def test_where_no_system_tells_it_is_the_cores_of_the_machine(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    for found, used in ((4, 4), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda found=found: found)
        assert cores.usable() == used


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
def test_a_container_is_held_to_what_it_is_granted(machine: Any, quota: str, used: int, group: str) -> None:
    machine(quota, group=group)
    assert cores.usable() == used


@pytest.mark.parametrize(
    ("above", "own", "used"),
    [("100000", "max", 1), ("200000", "400000", 2), ("400000", "200000", 2), ("max", "max", 8)],
)
def test_what_stands_above_a_group_binds_it_too(machine: Any, above: str, own: str, used: int) -> None:
    machine(f"{above} 100000", group="/pod")
    machine(f"{own} 100000", group="/pod/deeper/container")
    assert cores.usable() == used


def test_of_a_group_outside_of_what_can_be_seen_the_outermost_quota_counts(machine: Any, tmp_path: Path) -> None:
    machine("200000 100000")
    (tmp_path / "mine").write_text("0::/../elsewhere\n")
    assert cores.usable() == 2
