"""The pages for operators and contributors agree with the code: paths, links, commands, settings, ids, tables."""

import re
from argparse import ArgumentParser
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from gateway.conf import env
from gateway.observability import metrics, metrics_server
from users.events import Kind

ROOT = Path(__file__).parent.parent
NAMES = [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    *(
        f"docs/{name}.md"
        for name in (
            "admin",
            "architecture",
            "backup",
            "decisions",
            "deployment",
            "keys",
            "monitoring",
            "security-requirements",
            "troubleshooting",
            "upgrading",
        )
    ),
]
PAGES = {name: (ROOT / name).read_text() for name in NAMES}
# Linked by name before they are written. Empty this list when they are.
PAGES_TO_COME = {
    f"docs/{name}.md"
    for name in (
        "api",
        "cookie-mode",
        "email",
        "errors",
        "performance",
        "quickstart-react",
        "rate-limits",
        "sessions-and-tokens",
        "settings",
        "verifying-tokens",
    )
}
# Named in docs/architecture.md before the modules of users/ have moved there. Empty this list when they have.
PATHS_TO_COME = {
    "users/accounts/",
    "users/mail/",
    "users/mail/outbox.py",
    "users/passwords/",
    "users/passwords/hashing.py",
    "users/sessions/",
    "users/sessions/access_tokens.py",
    "users/sessions/sessions.py",
    "users/sessions/signing_keys.py",
    "users/sign_in/",
    "users/sign_in/password.py",
}
# Variables of other programs, and placeholders.
OTHER_VARIABLES = {"GATEWAY_ORIGIN", "GATEWAY_SCHEMA", "GATEWAY_SERVICE_HOST", "GATEWAY_ACESS_LIFETIME"}
REQUIREMENT = re.compile(r"\|\s+([SF]-\d{2,3})\s+\|")
# `test_s48_...`, `test_s02_s06_...`, and "S-33 S-34: ..." in the tests of clients.
NAMED_IN_TESTS = re.compile(r"(?<=_)([sf])(\d{2,3})(?=_)|\b([SF])-(\d{2,3})\b")


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub makes of the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_path_of_the_architecture_exists() -> None:
    page = PAGES["docs/architecture.md"]
    paths = set(re.findall(r"(?:gateway|users|tests)/[\w/]*(?:\.py)?", page))
    assert {"gateway/server.py", "users/schema/tokens.py", "tests/journeys/"} <= paths
    assert {path for path in paths if not (ROOT / path).exists()} <= PATHS_TO_COME


def test_every_id_that_a_test_names_is_listed_once() -> None:
    listed = REQUIREMENT.findall(PAGES["docs/security-requirements.md"])
    assert listed == sorted(listed, key=lambda each: (each[0] == "F", int(each[2:])))
    assert len(listed) == len(set(listed))
    assert {f"S-{number:02}" for number in range(1, 107)} | {f"F-{number:02}" for number in range(1, 26)} <= set(listed)
    named = set()
    for file in (ROOT / "tests").rglob("*"):
        if file.suffix in {".py", ".mjs"} and "node_modules" not in file.parts and file != Path(__file__):
            for lower, lower_number, upper, number in NAMED_IN_TESTS.findall(file.read_text()):
                named.add(f"{(lower or upper).upper()}-{lower_number or number}")
    assert len(named) > 100
    assert named <= set(listed)


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", PAGES[name]):
        path, _, anchor = link.partition("#")
        if "://" in path:
            continue
        target = (ROOT / name).parent.joinpath(path).resolve() if path else ROOT / name
        relative = target.relative_to(ROOT).as_posix()
        assert target.exists() or relative in PAGES_TO_COME, link
        if anchor and target.exists():
            assert anchor in anchors(target.read_text()), link


@pytest.mark.parametrize("name", sorted({*NAMES} - {"CHANGELOG.md"}))
def test_settings_exist(name: str) -> None:
    used = set(re.findall(r"\bGATEWAY_[A-Z_]*[A-Z]\b(?!_…)", PAGES[name]))
    assert used <= env.names | OTHER_VARIABLES | set(env.RENAMED)


@pytest.mark.parametrize("name", NAMES)
def test_commands_exist_and_have_their_options(name: str) -> None:
    commands = get_commands()
    for command, arguments in re.findall(r"manage\.py ([a-z_]+)((?: --[a-z-]+| \w+(?=\b))*)", PAGES[name]):
        assert command in commands, command
        parser = load_command_class(commands[command], command).create_parser("manage.py", command)
        assert isinstance(parser, ArgumentParser)
        for option in re.findall(r"--[a-z-]+", arguments):
            assert option in parser.format_help(), (command, option)
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z0-9-]+)", PAGES[name], re.MULTILINE)) <= targets


@pytest.mark.parametrize("name", NAMES)
def test_yaml_is_valid(name: str) -> None:
    for block in re.findall(r"^```yaml\n(.+?)^```", PAGES[name], re.DOTALL | re.MULTILINE):
        assert yaml.safe_load(block)


def test_monitoring_lists_every_metric() -> None:
    # Importing the modules has registered their metrics.
    counted = {f"{each.name}_total" if each.type == "counter" else each.name for each in metrics.registry.collect()}
    read = {name for name, _, _ in metrics_server.DATABASE_METRICS} | {"gateway_database_up"}
    rows = re.findall(r"^\| `(gateway_\w+)` \|", PAGES["docs/monitoring.md"], re.MULTILINE)
    assert {"gateway_requests_total", "gateway_hashes"} <= counted
    assert {*rows} == counted | read


def test_monitoring_lists_every_event() -> None:
    table = PAGES["docs/monitoring.md"].partition("| event |")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z_.]+)` \|", table, re.MULTILINE)
    # Refreshes are too frequent for the table of events.
    assert sorted(rows) == sorted([*(kind.value for kind in Kind), "session.refreshed"])
