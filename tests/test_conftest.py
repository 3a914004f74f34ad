"""The summary that `tests/conftest.py` prints at the end of a run."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import pytest_terminal_summary


def test_the_summary_counts_skipped_tests_by_their_reason(pytestconfig: pytest.Config) -> None:
    reasons = ["nginx is not installed (apt-get install nginx-light)"] * 2 + ["needs two CPUs"]
    reports: list[Any] = [SimpleNamespace(longrepr=("test.py", 7, f"Skipped: {reason}")) for reason in reasons]
    # An expected failure has another representation.
    reports.append(SimpleNamespace(longrepr="xfail"))
    lines: list[str] = []
    reporter: Any = SimpleNamespace(getreports=lambda kind: reports, write_line=lines.append)
    pytest_terminal_summary(reporter, pytestconfig)
    *skipped, total = lines
    assert skipped == [
        "needs two CPUs: 1 test skipped",
        "nginx is not installed: 2 tests skipped (apt-get install nginx-light)",
    ]
    assert total.endswith(" seconds")
