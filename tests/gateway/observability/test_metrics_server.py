"""The metrics server, with two real workers."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from django.db import OperationalError, connection
from prometheus_client.parser import text_string_to_metric_families

from gateway.observability import metrics_server
from tests.server import free_ports, running_gateway, url_of_database, wait_until_ready
from tests.waiting import wait_until

ME = b'{"query": "{ me { id } }"}'


def scrape(port: int) -> dict[tuple[str, ...], float]:
    """Return each sample by its name and the values of its labels."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        families = text_string_to_metric_families(response.read().decode())
    samples = [sample for family in families for sample in family.samples]
    return {(each.name, *(each.labels[name] for name in sorted(each.labels))): each.value for each in samples}


def send(origin: str) -> None:
    urlopen(Request(f"{origin}/graphql", ME, {"Content-Type": "application/json"})).close()


def workers(origin: str) -> list[int]:
    """Return the process ids of the workers of the server at this port."""
    port = origin.rpartition(":")[2]
    found = subprocess.run(["pgrep", "-f", f"serve --migrate --port {port}$"], capture_output=True, text=True)
    (server,) = found.stdout.split()
    found = subprocess.run(["pgrep", "-P", server, "-f", "spawn_main"], capture_output=True, text=True)
    return sorted(int(pid) for pid in found.stdout.split())


@pytest.fixture
def gateway(transactional_db: None, tmp_path: Path) -> Iterator[tuple[str, int]]:
    """A gateway with two workers, and the port of its metrics server."""
    port, metrics_port = free_ports(2)
    settings = {
        "DATABASE_URL": url_of_database(connection.settings_dict),
        "GATEWAY_METRICS_PORT": str(metrics_port),
        "GATEWAY_WORKERS": "2",
    }
    with running_gateway(tmp_path, port, settings) as origin:
        wait_until_ready(origin, tmp_path)
        yield origin, metrics_port


@pytest.mark.services
def test_scrape_adds_up_the_counts_of_all_workers_and_of_exited_ones(gateway: tuple[str, int]) -> None:
    origin, port = gateway
    for _ in range(60):
        send(origin)
    first = scrape(port)
    assert first["gateway_requests_total", "UNAUTHENTICATED", "me"] == 60
    assert first["gateway_request_seconds_count", "me"] == 60
    assert first["gateway_request_seconds_bucket", "me", "+Inf"] == 60
    assert (first["gateway_database_up",], first["gateway_users",], first["gateway_sessions_live",]) == (1, 0, 0)
    assert (first["gateway_letters_waiting",], first["gateway_letters_given_up",]) == (0, 0)
    victim, survivor = workers(origin)
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(workers(origin)) == 2 and victim not in workers(origin))
    assert survivor in workers(origin)
    for _ in range(20):
        send_until_ready(origin)
    assert scrape(port)["gateway_requests_total", "UNAUTHENTICATED", "me"] >= 80


def send_until_ready(origin: str) -> None:
    def is_sent() -> bool:
        with suppress(URLError, ConnectionError):
            send(origin)
            return True
        return False

    wait_until(is_sent)


@pytest.mark.services
def test_s93_public_port_serves_no_metrics(gateway: tuple[str, int]) -> None:
    origin, _ = gateway
    with pytest.raises(HTTPError) as refused:
        urlopen(f"{origin}/metrics")
    assert refused.value.code == 404
    refused.value.close()


@pytest.mark.django_db(transaction=True)
def test_database_is_read_once_in_thirty_seconds(db: None, statements: Any) -> None:
    collector = metrics_server.DatabaseMetrics()
    first = collector.collect()
    with statements() as seen:
        assert collector.collect() == first
    assert not seen


def test_database_outage_is_a_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> int:
        raise OperationalError("gone")

    monkeypatch.setattr(metrics_server.connection, "close", lambda: None)
    monkeypatch.setattr(metrics_server, "DATABASE_METRICS", [("gateway_users", "Accounts.", fail)])
    (metric,) = metrics_server.read_database()
    assert (metric.name, metric.samples[0].value) == ("gateway_database_up", 0)


def test_exited_worker_is_reported_dead_once(monkeypatch: pytest.MonkeyPatch) -> None:
    running, dead = [SimpleNamespace(pid=7), SimpleNamespace(pid=8)], list[int]()
    monkeypatch.setattr(metrics_server.multiprocessing, "active_children", lambda: running)
    monkeypatch.setattr(metrics_server, "mark_process_dead", dead.append)
    workers = metrics_server.ExitedWorkers()
    assert not [*workers.collect()]
    assert dead == []
    running.pop()
    for _ in range(2):
        assert not [*workers.collect()]
    assert dead == [8]
