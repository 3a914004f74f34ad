"""The check that argon2 runs on this processor."""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from gateway import argon2_build
from tests.server import free_ports


def test_installed_argon2_runs_on_this_processor() -> None:
    argon2_build.check_processor()


def test_argon2_for_a_newer_processor_stops_the_start_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    illegal_instruction = "import os, signal; os.kill(os.getpid(), signal.SIGILL)"
    monkeypatch.setattr(argon2_build, "PROBE", illegal_instruction)
    with pytest.raises(CommandError, match="newer processor") as failure:
        call_command("serve", port=free_ports(1)[0])
    assert "\n" not in str(failure.value)
