"""Fixtures for all tests."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from django.conf import settings as django_settings
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from gateway.conf import database_url
from gateway.graphql import documents
from gateway.http import health
from tests.api import Api
from users.crypto import signing_keys as crypto_keys
from users.sessions import access_tokens, key_ring

T = TypeVar("T")
STARTED = pytest.StashKey[float]()
BOOKKEEPING = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Give SQLite a file: threads cannot share a database in memory the way they share one on disk."""
    database = django_settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        file = str(tmp_path_factory.mktemp("database") / "test.sqlite3")
        connections.databases["default"].setdefault("TEST", {})["NAME"] = file


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Take time to drop the test's database: PostgreSQL waits for everyone to have left it."""
    yield
    if connection.vendor != "sqlite":
        connection.close()
        if connection.vendor == "postgresql":
            connection.close_pool()
        connection.settings_dict = database_url.without_timeouts(connection.settings_dict)


@pytest.fixture(scope="session", autouse=True)
def _one_signing_key() -> None:
    django_settings.GATEWAY_SIGNING_KEYS = crypto_keys.generate("ES256")


@pytest.fixture(autouse=True)
def _clear_caches(settings: Any) -> None:
    """Cheap hashes, and nothing remembered from the test before."""
    settings.PASSWORD_HASHERS = ["tests.hashers.CheapArgon2", *settings.PASSWORD_HASHERS[1:]]
    key_ring.clear_cache()
    access_tokens._verified_claims.cache_clear()
    documents.clear_cache()
    health.readiness.__init__()  # type: ignore[misc]


@pytest.fixture(autouse=True)
def _propagate_audit_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `caplog` see the audit log, which has a handler of its own, but no access log."""
    monkeypatch.setattr(logging.getLogger("gateway.audit"), "propagate", True)
    monkeypatch.setattr(logging.getLogger("gateway.access"), "disabled", True)


@pytest.fixture
def api(db: None) -> Api:
    """A client that speaks GraphQL over HTTP."""
    return Api()


@pytest.fixture
def statements() -> Callable[[], Any]:
    """Counts the SQL statements of a block, transactions' own bookkeeping apart."""

    @contextmanager
    def counting() -> Iterator[list[str]]:
        seen: list[str] = []
        with CaptureQueriesContext(connection) as captured:
            yield seen
        texts = [query["sql"] for query in captured.captured_queries]
        seen.extend(text for text in texts if not text.startswith(BOOKKEEPING))

    return counting


@pytest.fixture
def run_concurrently() -> Callable[[list[Callable[[], T]]], list[T]]:
    """Runs functions in threads that start at one moment, each on its own connection; their results."""

    def run(acts: list[Callable[[], T]]) -> list[T]:
        barrier, results = threading.Barrier(len(acts)), [None] * len(acts)

        def work(index: int) -> None:
            try:
                barrier.wait()
                results[index] = acts[index]()
            except BaseException as error:
                results[index] = error
            finally:
                connections.close_all()

        threads = [threading.Thread(target=work, args=(index,)) for index in range(len(acts))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        failures = [each for each in results if isinstance(each, BaseException)]
        assert not failures, failures
        return results

    return run


def pytest_configure(config: pytest.Config) -> None:
    config.stash[STARTED] = time.monotonic()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print why tests were skipped, one line per reason, and how long the tests took on which database."""
    reports = [each for each in terminalreporter.getreports("skipped") if isinstance(each.longrepr, tuple)]
    reasons = Counter(each.longrepr[2].removeprefix("Skipped: ") for each in reports)
    for reason, count in sorted(reasons.items()):
        # A reason such as "nginx is not installed (apt-get install nginx-light)".
        what, _, remedy = reason.partition(" (")
        tests = "1 test" if count == 1 else f"{count} tests"
        terminalreporter.write_line(f"{what}: {tests} skipped{f' ({remedy}' if remedy else ''}")
    engine = django_settings.DATABASES["default"]["ENGINE"].rpartition(".")[2]
    seconds = time.monotonic() - config.stash[STARTED]
    terminalreporter.write_line(f"{engine}: {seconds:.0f} seconds")
