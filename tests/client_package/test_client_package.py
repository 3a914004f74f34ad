"""The npm package in client/: its unit tests, a real gateway, and a fresh application that installs it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.server import PATIENCE, ROOT, await_answer, free_ports, serving

CLIENT = ROOT / "client"

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(
        not (shutil.which("node") and shutil.which("npm")), reason="Node is not installed (apt-get install nodejs npm)"
    ),
]


@pytest.fixture(scope="session")
def built() -> None:
    """The locked packages, and the package itself."""
    install(CLIENT)
    run("npm", "run", "build")


@pytest.fixture(scope="session")
def world(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Gateways: a usual one, one with short-lived access tokens, and one that requires verified emails."""
    folder = tmp_path_factory.mktemp("gateways")
    shared = {"GATEWAY_REFRESH_GRACE": "1s", "GATEWAY_LIMIT_REGISTER": "1000 in 1 minute"}
    kinds = {
        "GATEWAY": {},
        "HASTY_GATEWAY": {"GATEWAY_ACCESS_LIFETIME": "2s"},
        "STRICT_GATEWAY": {"GATEWAY_EMAIL_VERIFICATION": "required"},
    }
    with ExitStack() as servers:
        origins = {
            kind: servers.enter_context(serving(folder, port, shared | settings))
            for port, (kind, settings) in zip(free_ports(len(kinds)), kinds.items(), strict=True)
        }
        for origin in origins.values():
            await_answer(origin, folder)
        yield {kind: f"{origin}/graphql" for kind, origin in origins.items()}


@pytest.mark.parametrize("script", ["auth", "documents", "package"])
def test_the_package_passes_its_unit_tests(built: None, script: str) -> None:
    run("node", "--test", f"test/{script}.test.mjs")


@pytest.mark.parametrize("script", ["core", "urql", "apollo", "apollo3"])
def test_a_client_keeps_its_session_with_a_real_gateway(world: dict[str, str], script: str) -> None:
    run("node", "--test", f"test/live/{script}.test.mjs", **world)


def install(folder: Path) -> None:
    """Install the locked packages of a folder, unless they are installed."""
    lock, stamp = folder / "package-lock.json", folder / "node_modules" / ".installed"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=folder)
        shutil.copy(lock, stamp)


def run(*command: str, folder: Path = CLIENT, **variables: str) -> str:
    """Run a program, and return its output. Fail with its output if it fails."""
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, timeout=10 * PATIENCE
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout
