"""npm packages of this repository: install what is locked, build the client, run Node."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.server import ROOT, TIMEOUT

CLIENT = ROOT / "client"
EXAMPLE = CLIENT / "example"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")

needs_node = pytest.mark.skipif(
    not (shutil.which("node") and shutil.which("npm")), reason="Node is not installed (apt-get install nodejs npm)"
)
needs_chromium = pytest.mark.skipif(
    not Path(CHROMIUM).exists(),
    reason="chromium is not installed (apt-get install chromium, or set CHROMIUM)",
)


def install(folder: Path) -> None:
    """Install the locked packages of a folder, unless they are installed."""
    lock, stamp = folder / "package-lock.json", folder / "node_modules" / ".installed"
    with _one_process(folder):
        if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
            run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=folder)
            shutil.copy(lock, stamp)


def build_client() -> None:
    """Build the client package into client/dist, unless it is built from the same sources."""
    install(CLIENT)
    sources = [CLIENT / "package.json", CLIENT / "tsconfig.json", *sorted((CLIENT / "src").iterdir())]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    stamp = CLIENT / "node_modules" / ".built"
    with _one_process(CLIENT):
        if not (CLIENT / "dist").exists() or not stamp.exists() or stamp.read_text() != digest:
            run("npm", "run", "build", folder=CLIENT)
            stamp.write_text(digest)


def run(*command: str, folder: Path, **variables: str) -> str:
    """Run a program, and return its output. Fail with its output if it fails."""
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, timeout=10 * TIMEOUT
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@contextmanager
def _one_process(folder: Path) -> Iterator[None]:
    # Several processes of pytest-xdist may need the same packages.
    with (folder / "package.json").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
