"""The files of docs/deployment/ fit the project: units, manifests, alert rules and the dashboard."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from gateway.conf import env
from gateway.observability import metrics, metrics_server
from tests.server import ROOT
from users.errors import ErrorCode
from users.events import EventKind

FILES = ROOT / "docs" / "deployment"
UNITS = sorted((FILES / "systemd").iterdir())
MANIFESTS: list[dict[str, Any]] = list(yaml.safe_load_all((FILES / "kubernetes.yaml").read_text()))
RULES: list[dict[str, Any]] = yaml.safe_load((FILES / "prometheus-alerts.yaml").read_text())["groups"][0]["rules"]
DASHBOARD: dict[str, Any] = json.loads((FILES / "grafana-dashboard.json").read_text())
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())


def is_a_command(words: list[str]) -> bool:
    """Return whether `manage.py` takes these words."""
    parser = load_command_class(get_commands()[words[0]], words[0]).create_parser("manage.py", words[0])
    return bool(parser.parse_args(words[1:]))


# --- systemd -------------------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed (apt-get install systemd)")
def test_systemd_accepts_every_unit(tmp_path: Path) -> None:
    for unit in UNITS:
        # It looks for the program that a unit starts.
        (tmp_path / unit.name).write_text(unit.read_text().replace("/srv/gateway/.venv/bin/python", "/bin/true"))
    ran = subprocess.run(["systemd-analyze", "verify", *tmp_path.iterdir()], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_units_run_commands_of_ours_with_settings_of_ours() -> None:
    texts = {unit.name: unit.read_text() for unit in UNITS}
    commands = [command.split() for text in texts.values() for command in re.findall(r"manage\.py (.+)$", text, re.M)]
    assert {words[0] for words in commands} == {"serve", "db_worker", "rotate_keys", "prune"}
    assert all(map(is_a_command, commands))
    given = {name for text in texts.values() for name in re.findall(r"^Environment=(\w+)=", text, re.M)}
    assert given == {"GATEWAY_ENV_FILE", "GATEWAY_MAIL_WORKER"} <= env.names | set(env.OTHER_VARIABLES)


# --- Kubernetes ----------------------------------------------------------------------------------


def containers() -> dict[str, dict[str, Any]]:
    """Return all containers of the manifests."""
    pods = [found for each in MANIFESTS if (found := pod(each))]
    return {each["name"]: each for spec in pods for each in (*spec["containers"], *spec.get("initContainers", ()))}


def pod(manifest: dict[str, Any]) -> dict[str, Any] | None:
    spec = manifest.get("spec", {})
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    found: dict[str, Any] | None = spec.get("template", {}).get("spec")
    return found


def test_manifests_run_the_commands_of_compose() -> None:
    commands = {name: each["command"][2:] for name, each in containers().items() if "command" in each}
    assert commands.pop("rotate-keys") == ["rotate_keys", "--every", "30d"]
    assert commands == {"migrate": ["migrate"], "worker": ["db_worker"], "prune": ["prune"]}
    assert all(map(is_a_command, commands.values()))
    text = json.dumps(COMPOSE)
    assert all(words[0] in text for words in commands.values())


def test_containers_run_without_rights_on_a_root_that_cannot_be_written() -> None:
    assert len({each["image"] for each in containers().values()}) == 1
    for each in containers().values():
        assert each["securityContext"] == {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        assert each["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]
        assert each["envFrom"] == [{"secretRef": {"name": "gateway"}}]
    for spec in filter(None, map(pod, MANIFESTS)):
        assert spec["securityContext"]["runAsUser"] == 10001
        assert spec["serviceAccountName"] == "gateway"


def test_probes_ask_for_what_the_gateway_serves() -> None:
    gateway = containers()["gateway"]
    assert {each["name"] for each in gateway["env"]} <= env.names
    ports = {each["name"]: each["containerPort"] for each in gateway["ports"]}
    assert str(ports["metrics"]) in [each["value"] for each in gateway["env"]]
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert f"PORT={ports['http']}" in dockerfile
    paths = {name: probe["httpGet"]["path"] for name, probe in gateway.items() if name.endswith("Probe")}
    assert paths == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    # The readiness probe fails twice within GATEWAY_SHUTDOWN_DELAY.
    assert gateway["readinessProbe"]["periodSeconds"] * 2 < 5


# --- Prometheus and Grafana ----------------------------------------------------------------------

PROMTOOL = shutil.which("promtool")
NEEDS_PROMTOOL = pytest.mark.skipif(not PROMTOOL, reason="promtool is not installed (apt-get install prometheus)")


def series() -> set[str]:
    """Return the names of all series that a gateway exports."""
    names = {name for name, _, _ in metrics_server.DATABASE_METRICS} | {"gateway_database_up"}
    suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "gauge": [""]}
    for each in metrics.registry.collect():
        names |= {each.name + suffix for suffix in suffixes[each.type]}
    return names


def queries() -> list[str]:
    """Return the queries of the dashboard's panels."""
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


def test_alerts_and_dashboard_use_only_series_that_exist() -> None:
    used = "\n".join([each["expr"] for each in RULES] + [json.dumps(DASHBOARD["templating"])])
    assert set(re.findall(r"\bgateway_\w+", used)) <= series()
    # The dashboard shows all of them.
    assert set(re.findall(r"\bgateway_\w+", "\n".join(queries()))) == series()


def test_the_labels_that_queries_select_exist() -> None:
    texts = "\n".join([each["expr"] for each in RULES] + queries())
    found = re.findall(r'\b(code|kind)!?="([^"]+)"', texts)
    assert ("code", "INTERNAL_SERVER_ERROR") in found
    known = {"code": {metrics.OK, *(each.name for each in ErrorCode)}, "kind": {each.value for each in EventKind}}
    assert all(value in known[label] for label, value in found)


def test_the_monitoring_page_has_first_steps_for_every_alert() -> None:
    table = (ROOT / "docs" / "monitoring.md").read_text().partition("| alert | first steps |")[2]
    cells = re.findall(r"^\| (\w[\w, ]+) \|", table.partition("\n\n")[0], re.M)
    assert {name for cell in cells for name in cell.split(", ")} == {each["alert"] for each in RULES}


@NEEDS_PROMTOOL
def test_each_alert_fires_when_it_should_and_only_then() -> None:
    cases = ROOT / "tests" / "prometheus-alerts.yaml"
    assert all(f'alertname="{each["alert"]}"' in cases.read_text() for each in RULES)
    promtool("test", "rules", str(cases))


@NEEDS_PROMTOOL
def test_prometheus_parses_every_query_of_the_dashboard(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": query.replace("$__rate_interval", "1m").replace("$", "")}
        for number, query in enumerate(queries())
    ]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", str(file))


def promtool(*arguments: str) -> None:
    """Run a check of promtool, which must succeed."""
    ran = subprocess.run([str(PROMTOOL), *arguments], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_panel_reads_from_the_chosen_data_source_and_job() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}"
            assert 'job="$job"' in target["expr"]
