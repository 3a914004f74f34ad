"""Metrics told to Prometheus: two workers served for real, and one scrape that adds them up."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from django.db import OperationalError, connection
from prometheus_client.parser import text_string_to_metric_families

from gateway import scrapes
from tests.api import Api
from tests.server import await_answer, free_ports, serving, url_of

ME = b'{"query": "{ me { id } }"}'


def scrape(port: int) -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        families = text_string_to_metric_families(response.read().decode())
    samples = [sample for family in families for sample in family.samples]
    return {(each.name, *(each.labels[name] for name in sorted(each.labels))): each.value for each in samples}


def ask(origin: str) -> None:
    urlopen(Request(f"{origin}/graphql", ME, {"Content-Type": "application/json"})).close()


def workers(origin: str) -> list[int]:
    """The processes that serve a port: the children of the one that was started."""
    found = [path for path in Path("/proc").iterdir() if path.name.isdecimal()]
    port = origin.rpartition(":")[2]
    serving = {}
    for path in found:
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
            serving[int(path.name)] = (words, int((path / "stat").read_text().rpartition(")")[2].split()[1]))
        except OSError:
            continue
    ours = {pid for pid, (words, _) in serving.items() if b"serve" in words and port.encode() in words}
    return sorted(pid for pid in ours if serving[pid][1] in ours)


@pytest.fixture
def watched(transactional_db: None, tmp_path: Path) -> Iterator[tuple[str, int]]:
    """A gateway of two workers, and the port that its metrics are told on."""
    port, told_on = free_ports(2)
    settings = {
        "DATABASE_URL": url_of(connection.settings_dict),
        "GATEWAY_METRICS_PORT": str(told_on),
        "GATEWAY_WORKERS": "2",
    }
    with serving(tmp_path, port, settings) as origin:
        await_answer(origin, tmp_path)
        yield origin, told_on


def test_one_scrape_adds_up_what_all_workers_count_and_outlives_each(watched: tuple[str, int]) -> None:
    origin, port = watched
    for _ in range(60):
        ask(origin)
    first = scrape(port)
    assert first["gateway_requests_total", "UNAUTHENTICATED", "me"] == 60
    assert first["gateway_request_seconds_count", "me"] == 60
    assert first["gateway_request_seconds_bucket", "me", "+Inf"] == 60
    assert (first["gateway_database_up",], first["gateway_users",], first["gateway_sessions_live",]) == (1, 0, 0)
    assert (first["gateway_letters_waiting",], first["gateway_letters_given_up",]) == (0, 0)
    victim, survivor = workers(origin)
    os.kill(victim, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while len(alive := workers(origin)) < 2 or victim in alive:
        assert time.monotonic() < deadline, "it is not replaced"
        time.sleep(0.1)
    assert survivor in alive
    for _ in range(20):
        ask_patiently(origin)
    assert scrape(port)["gateway_requests_total", "UNAUTHENTICATED", "me"] >= 80


def ask_patiently(origin: str) -> None:
    for _ in range(50):
        try:
            return ask(origin)
        except (URLError, ConnectionError):
            time.sleep(0.2)
    return pytest.fail("nobody answers")


def test_s93_the_public_port_tells_no_metrics(watched: tuple[str, int]) -> None:
    origin, _ = watched
    with pytest.raises(HTTPError) as refused:
        urlopen(f"{origin}/metrics")
    assert refused.value.code == 404
    refused.value.close()


def test_the_database_is_asked_once_in_a_while(api: Api, tmp_path: Path, statements: Any) -> None:
    api.join()
    scraped = scrapes.Scraped(tmp_path)
    scraped.until = time.monotonic() + 9
    with statements() as seen:
        assert not [*scraped.collect()]
    assert not seen


def test_without_its_database_the_rest_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> int:
        raise OperationalError("gone")

    monkeypatch.setattr(scrapes.connection, "close", lambda: None)
    monkeypatch.setattr(scrapes, "ASKED", [("gateway_users", "Accounts.", fail)])
    (told,) = scrapes.ask_the_database()
    assert (told.name, told.samples[0].value) == ("gateway_database_up", 0)


def test_what_a_worker_that_is_gone_was_doing_is_forgotten_and_what_it_counted_is_not(tmp_path: Path) -> None:
    gone = 2**22 + 1
    names = [f"gauge_livesum_{gone}.db", f"gauge_livesum_{os.getpid()}.db", f"counter_{gone}.db"]
    for name in names:
        (tmp_path / name).touch()
    scrapes.forget_the_dead(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*names[1:]}
