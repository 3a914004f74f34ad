"""Serves Prometheus metrics on a port of its own, in the process that starts the workers.

The workers use prometheus-client's multi-process mode: they write files in a shared folder, and a scrape adds them up.
"""

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator

from django.db import DatabaseError, InterfaceError, connection
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from users import lookup
from users.mail import outbox
from users.sessions import sessions

# Seconds. Within this time scrapes do not query the database again.
CACHE_TIMEOUT = 30.0
# Metrics that are read from the database: name, description, function.
DATABASE_METRICS: list[tuple[str, str, Callable[[], float]]] = [
    ("gateway_sessions_live", "Sessions that have neither ended nor expired.", sessions.count_live),
    ("gateway_users", "Accounts, including deactivated ones.", lookup.count_users),
    ("gateway_letters_waiting", "Emails in the queue, including retries.", outbox.count_waiting),
    ("gateway_letters_oldest_seconds", "Age of the oldest email in the queue.", outbox.oldest_age),
    ("gateway_letters_given_up", "Emails given up in the last week, after failing for a day.", outbox.count_given_up),
]


def start(host: str, port: int) -> None:
    """Serve the metrics in a thread. The environment variable PROMETHEUS_MULTIPROC_DIR names the shared folder."""
    registry = CollectorRegistry()
    registry.register(ExitedWorkers())
    registry.register(DatabaseMetrics())
    MultiProcessCollector(registry)
    start_http_server(port, host, registry)


class ExitedWorkers(Collector):
    """Removes the gauges of workers that have exited. Their counters remain. Has no metrics of its own."""

    def __init__(self) -> None:
        self.pids: set[int] = set()

    def collect(self) -> Iterator[Metric]:
        """Remove the gauges of workers that have exited since the last scrape."""
        running = {process.pid for process in multiprocessing.active_children() if process.pid}
        for pid in self.pids - running:
            mark_process_dead(pid)
        self.pids = running
        return iter(())


class DatabaseMetrics(Collector):
    """Metrics that are read from the database, and whether the database answers."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.metrics: list[Metric] = []
        self.expires_at = 0.0

    def collect(self) -> list[Metric]:
        """Return the metrics, at most CACHE_TIMEOUT old."""
        with self.lock:
            if time.monotonic() >= self.expires_at:
                self.metrics, self.expires_at = list(read_database()), time.monotonic() + CACHE_TIMEOUT
            return self.metrics


def read_database() -> Iterator[Metric]:
    """Read the metrics from the database, and close the connection."""
    is_up = True
    try:
        for name, description, count in DATABASE_METRICS:
            yield GaugeMetricFamily(name, description, count())
    except (DatabaseError, InterfaceError):
        is_up = False
    finally:
        connection.close()
    yield GaugeMetricFamily("gateway_database_up", "Whether the database answers.", is_up)
