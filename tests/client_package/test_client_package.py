"""The npm package in client/: its unit tests, real gateways, the example app in Chromium, and a fresh application."""

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.npm import CLIENT, EXAMPLE, build_client, install, needs_chromium, needs_node, run
from tests.server import ROOT, free_ports, gateway_environment, running_gateway, wait_until_ready

PAGES = [CLIENT / "README.md", ROOT / "docs" / "quickstart-react.md"]
PICTURE = EXAMPLE / "example.png"

pytestmark = [pytest.mark.clients, needs_node]

SHARED = {
    "GATEWAY_REFRESH_GRACE": "1s",
    "GATEWAY_LIMIT_REGISTER": "1000 in 1 minute",
    "GATEWAY_LIMIT_MAIL_CLIENT": "1000 in 1 minute",
    "GATEWAY_MAIL_WORKER": "off",
}


@pytest.fixture(scope="session")
def built() -> None:
    """The package."""
    build_client()


@pytest.fixture(scope="session")
def example(built: None) -> None:
    """The packages that the build of the example app needs."""
    install(EXAMPLE)


@pytest.fixture(scope="session")
def world(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Gateways of each kind, an origin for the example app, and a folder for mails."""
    folder = tmp_path_factory.mktemp("gateways")
    mails = folder / "mails"
    hasty = {"GATEWAY_ACCESS_LIFETIME": "2s"}
    cookie = {"GATEWAY_REFRESH_COOKIE": "on"}
    ports = free_ports(6)
    app = f"http://localhost:{ports.pop()}"
    strict = {
        "GATEWAY_EMAIL_VERIFICATION": "required",
        "EMAIL_URL": f"file://{mails}",
        "GATEWAY_VERIFY_URL": f"{app}/verify#token={{token}}",
        "GATEWAY_RESET_URL": f"{app}/reset#token={{token}}",
    }
    kinds = {
        "GATEWAY": {},
        "HASTY_GATEWAY": hasty,
        "COOKIE_GATEWAY": cookie,
        "HASTY_COOKIE_GATEWAY": hasty | cookie,
        "STRICT_GATEWAY": strict,
    }
    shared = SHARED | {"CORS_ALLOWED_ORIGINS": app}
    with ExitStack() as servers:
        origins = {}
        # One after the other: each migrates its own database, which takes seconds of processor time.
        for port, (kind, settings) in zip(ports, kinds.items(), strict=True):
            origins[kind] = servers.enter_context(running_gateway(folder, port, shared | settings))
            wait_until_ready(origins[kind], folder)
        database = f"sqlite:///{folder / f'{ports[4]}.sqlite3'}"
        worker = {
            "command": [sys.executable, "manage.py", "db_worker", "--batch"],
            "environment": gateway_environment(shared | strict | {"DATABASE_URL": database}),
        }
        yield {
            **{kind: f"{origin}/graphql" for kind, origin in origins.items()},
            "APP_PORT": app.rpartition(":")[2],
            "MAILS": str(mails),
            "MAIL_WORKER": json.dumps(worker),
            "ROOT": str(ROOT),
        }


@pytest.mark.parametrize("script", ["auth", "documents", "package"])
def test_the_package_passes_its_unit_tests(built: None, script: str) -> None:
    run("node", "--test", f"test/{script}.test.mjs", folder=CLIENT)


@pytest.mark.parametrize("script", ["core", "urql", "apollo", "apollo3"])
def test_a_client_keeps_its_session_with_a_real_gateway(world: dict[str, str], script: str) -> None:
    run("node", "--test", f"test/live/{script}.test.mjs", folder=CLIENT, **world)


@needs_chromium
@pytest.mark.parametrize("mode", ["header", "cookie"])
def test_tabs_of_the_example_share_a_session(example: None, world: dict[str, str], mode: str) -> None:
    cookie = {"GATEWAY": world["COOKIE_GATEWAY"], "HASTY_GATEWAY": world["HASTY_COOKIE_GATEWAY"]}
    own = {"MODE": mode} | (cookie if mode == "cookie" else {})
    run("node", "--test", "test/browser/session.test.mjs", folder=CLIENT, **(world | own))


@needs_chromium
def test_users_manage_their_account_in_the_example(example: None, world: dict[str, str]) -> None:
    own = {"PICTURE": str(PICTURE)} if os.environ.get("UPDATE_SCREENSHOT") else {}
    run("node", "--test", "test/browser/journeys.test.mjs", folder=CLIENT, **(world | own))


@needs_chromium
def test_users_protect_their_account_in_the_example(example: None, world: dict[str, str]) -> None:
    run("node", "--test", "test/browser/factors.test.mjs", folder=CLIENT, **world)


@needs_chromium
def test_pages_of_the_example_are_accessible(example: None, world: dict[str, str]) -> None:
    run("node", "--test", "test/browser/pages.test.mjs", folder=CLIENT, **world)


def test_a_fresh_vite_app_installs_the_tarball_and_builds_what_the_pages_show(built: None, tmp_path: Path) -> None:
    (packed,) = json.loads(
        run("npm", "pack", "--json", "--ignore-scripts", f"--pack-destination={tmp_path}", folder=CLIENT)
    )
    assert all(
        re.fullmatch(r"(dist/.+\.(js|d\.ts)|package\.json|README\.md|LICENSE)", file["path"])
        for file in packed["files"]
    )
    creator = CLIENT / "node_modules" / ".bin" / "create-vite"
    run(str(creator), "app", "--template", "react-ts", "--no-interactive", folder=tmp_path)
    app = tmp_path / "app"
    peers = ["urql", "@urql/core", "@urql/exchange-auth", "@apollo/client", "graphql", "rxjs"]
    run("npm", "install", "--no-audit", "--no-fund", str(tmp_path / packed["filename"]), *peers, folder=app)
    for page in PAGES:
        shown = dict(re.findall(r"```tsx\n// (src/\w+\.tsx)\n(.*?)```", page.read_text(), re.DOTALL))
        assert "src/App.tsx" in shown
        for name, text in shown.items():
            (app / name).write_text(text)
        run("npm", "run", "build", folder=app)
        assert list((app / "dist" / "assets").glob("*.js"))


def test_no_lock_file_names_a_registry() -> None:
    for lock in (CLIENT / "package-lock.json", EXAMPLE / "package-lock.json"):
        packages = json.loads(lock.read_text())["packages"].values()
        assert {package.get("resolved") for package in packages} <= {None, ".."}
