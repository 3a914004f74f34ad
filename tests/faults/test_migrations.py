"""Migrations that begin at one moment, and while the gateway serves."""

import subprocess
import sys
from contextlib import ExitStack

from tests.faults.conftest import Start
from tests.faults.process import QUIET, Gateway
from tests.faults.storm import Storm
from tests.server import ROOT, gateway_environment


def test_f19_two_processes_that_migrate_an_empty_database_at_once_both_succeed(database: str) -> None:
    command = [sys.executable, "manage.py", "migrate"]
    environment = gateway_environment({"DATABASE_URL": database})
    with ExitStack() as started:
        both = [
            started.enter_context(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=-1, stderr=-1, text=True))
            for _ in range(2)
        ]
        said = [each.communicate(timeout=60) for each in both]
    assert [each.returncode for each in both] == [0, 0], said
    assert sorted("No migrations to apply" in out for out, _ in said) == [False, True]


def test_f19_calls_are_served_while_a_second_gateway_starts_and_migrates(start: Start, database: str) -> None:
    first = start(database)
    with Storm(first.origin).raging() as storm:
        storm.await_progress()
        second: Gateway = start(database, **QUIET)
        storm.await_progress()
        assert storm.lost() == 0, storm.told
    storm.audit(second.origin)
