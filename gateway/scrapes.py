"""Metrics told to Prometheus, on a port of their own.

1. Each worker counts in files of its own, and a scrape adds them up, those of workers that are gone included.
2. The process that forks workers answers the scrapes. No worker is forked during one, so none inherits a
   connection to the database or a lock that somebody holds.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from django.db import DatabaseError, InterfaceError, connection
from prometheus_client import CollectorRegistry, start_http_server, values
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from users import accounts, mail, sessions

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# How long what the database was asked is remembered, however often somebody scrapes.
REMEMBERED = 30.0
# What the database is asked at a scrape: each a metric, what it says, and a function of the rules.
ASKED: list[tuple[str, str, Callable[[], float]]] = [
    ("gateway_sessions_live", "Sessions that have neither ended nor expired.", sessions.count_live),
    ("gateway_users", "Accounts, deactivated ones included.", accounts.count),
    ("gateway_letters_waiting", "Letters to be sent, or to be tried again.", mail.count_waiting),
    ("gateway_letters_oldest_seconds", "How long the oldest of them has waited.", mail.oldest_seconds),
    ("gateway_letters_given_up", "Letters given up after a day, in the last week.", mail.count_given_up),
]


def share(folder: Path) -> None:
    """Let the workers that are started from now on count in files of this folder."""
    folder.mkdir()
    os.environ[FOLDER] = str(folder)
    values.ValueClass = values.get_value_class()


def serve(host: str, port: int, folder: Path) -> None:
    """Tell what the workers count to whoever scrapes, from a thread of this process."""
    scraped = Scraped(folder)
    os.register_at_fork(
        before=scraped.lock.acquire, after_in_parent=scraped.lock.release, after_in_child=scraped.lock.release
    )
    registry = CollectorRegistry()
    registry.register(scraped)
    start_http_server(port, host, registry)


class Scraped(Collector):
    """All that there is to tell: the workers' counts together, and what only the database knows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.Lock()
        self.found: list[Metric] = []
        self.until = 0.0

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: no scrape is made only to learn the names."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """What is told to one scrape."""
        with self.lock:
            forget_the_dead(self.folder)
            counted = [*MultiProcessCollector(None, str(self.folder)).collect()]
            if time.monotonic() >= self.until:
                self.found, self.until = [*ask_the_database()], time.monotonic() + REMEMBERED
        yield from counted
        yield from self.found


def ask_the_database() -> Iterator[Metric]:
    """What is counted in the database, where it answers; nothing of the connection stays."""
    is_up = 1
    try:
        for name, what, count in ASKED:
            yield GaugeMetricFamily(name, what, count())
    except (DatabaseError, InterfaceError):
        is_up = 0
    finally:
        connection.close()
    yield GaugeMetricFamily("gateway_database_up", "Whether the database answers.", is_up)


def forget_the_dead(folder: Path) -> None:
    """Drop what workers that are gone were doing at that moment; what they counted stays."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid, str(folder))
