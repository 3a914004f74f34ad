"""Real clients against a real server: the audit, urql, Apollo, code generators, and a browser."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.server import PATIENCE, await_answer, free_ports, serving, surroundings

HERE = Path(__file__).resolve().parent
MODULES = HERE / "node_modules"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PICTURE = HERE.parent.parent / "gateway" / "explorer" / "graphiql.png"

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(
        not (shutil.which("node") and shutil.which("npm")), reason="no Node here: the clients' tests need node and npm"
    ),
]
in_a_browser = pytest.mark.skipif(
    not Path(CHROMIUM).exists(), reason="no Chromium here: install it, or say where it is by CHROMIUM"
)


@pytest.fixture(scope="session")
def installed() -> None:
    """The locked packages and the compiled recipes."""
    lock, stamp = HERE / "package-lock.json", MODULES / ".installed"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        shutil.copy(lock, stamp)
    run(str(MODULES / ".bin" / "tsc"))


@pytest.fixture(scope="session")
def world(installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Two gateways, one of which gives tokens that live for seconds, and ports for an application's pages."""
    ports = free_ports(4)
    app, foreign = str(ports[2]), str(ports[3])
    shared = {
        "GATEWAY_REFRESH_GRACE": "1s",
        "GATEWAY_MAX_BATCH": "10",
        "GATEWAY_LIMIT_REGISTER": "1000 in 1 minute",
        "CORS_ALLOWED_ORIGINS": f"http://localhost:{app}",
    }
    folder = tmp_path_factory.mktemp("gateways")
    with ExitStack() as servers:
        issuer = {"GATEWAY_ISSUER": f"http://localhost:{ports[0]}"}
        patient = servers.enter_context(serving(folder, ports[0], shared | issuer))
        hasty = servers.enter_context(serving(folder, ports[1], {**shared, "GATEWAY_ACCESS_LIFETIME": "2s"}))
        for origin in (patient, hasty):
            await_answer(origin, folder)
        yield {
            "ORIGIN": patient,
            "DATABASE_URL": f"sqlite:///{folder / f'{ports[0]}.sqlite3'}",
            "GATEWAY": f"{patient}/graphql",
            "HASTY_GATEWAY": f"{hasty}/graphql",
            "APP_PORT": app,
            "FOREIGN_PORT": foreign,
        }


@pytest.mark.parametrize("script", ["audit", "urql", "apollo", "typed"])
def test_a_client_finds_nothing_amiss(world: dict[str, str], script: str) -> None:
    run("node", "--test", f"{script}.test.mjs", **world)


def test_a_node_service_takes_our_tokens_and_no_others(world: dict[str, str]) -> None:
    turning = surroundings({"DATABASE_URL": world["DATABASE_URL"]})
    own = {"GATEWAY_ORIGIN": world["ORIGIN"], "PYTHON": sys.executable, "ROTATED": json.dumps(turning)}
    run("node", "--test", "jose.test.mjs", **world, **own)


@in_a_browser
def test_pages_of_an_allowed_origin_work_and_of_others_do_not(world: dict[str, str]) -> None:
    run("node", "--test", "browser/origin.test.mjs", **world)


@in_a_browser
def test_the_explorer_takes_one_from_registering_to_signing_out(world: dict[str, str], tmp_path: Path) -> None:
    picture = PICTURE if os.environ.get("UPDATE_SCREENSHOT") else tmp_path / "graphiql.png"
    run("node", "browser/explorer.mjs", world["ORIGIN"], str(picture), **world)
    assert picture.stat().st_size > 10_000


def test_the_explorers_session_renews_and_ends_as_it_should() -> None:
    run("node", "--test", "browser/session.test.mjs")


def run(*command: str, **variables: str) -> None:
    """Run a program in this folder; where it fails, show what it said."""
    done = subprocess.run(
        command, cwd=HERE, env={**os.environ, **variables}, capture_output=True, text=True, timeout=10 * PATIENCE
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
