"""`manage.py` from the command line: which Python it uses, and what it says without Django."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# A Python outside any virtual environment.
PLAIN_PYTHON = Path(sys.base_prefix, "bin", "python3")


def copy_to(folder: Path) -> Path:
    """Copy manage.py, with its mode, into an empty folder."""
    return Path(shutil.copy(ROOT / "manage.py", folder))


@pytest.mark.services
def test_it_is_executable() -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "DJANGO_DEBUG": "1"}
    ended = subprocess.run(["./manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_outside_a_virtual_environment_it_uses_the_one_of_the_project(tmp_path: Path) -> None:
    copied, python = copy_to(tmp_path), tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "project: $@"\n')
    python.chmod(0o755)
    ended = subprocess.run([PLAIN_PYTHON, copied, "check", "a b"], capture_output=True, text=True)
    assert ended.stdout == f"project: {copied} check a b\n"


def test_without_django_it_says_what_to_do_in_one_line(tmp_path: Path) -> None:
    ended = subprocess.run([PLAIN_PYTHON, "-I", "-S", copy_to(tmp_path), "check"], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "make run" in ended.stderr
