"""Password hashing in a bounded pool."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.api import PASSWORD, Api
from tests.server import ROOT, gateway_environment
from tests.waiting import wait_until
from users import metrics
from users.caller import Caller
from users.crypto.hashers import Argon2
from users.errors import ServiceUnavailable
from users.models import Attempts
from users.passwords import hashing
from users.passwords.hashing import HashingPool

LONG = 30


@pytest.fixture
def make_pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., HashingPool]]:
    """Makes the pool that the gateway hashes in."""
    pools = []

    def make(*, threads: int, queue: int) -> HashingPool:
        pools.append(HashingPool(threads=threads, queue=queue))
        monkeypatch.setattr(hashing, "pool", pools[-1])
        return pools[-1]

    yield make
    for pool in pools:
        pool.executor.shutdown()


class Clients:
    """Requests in threads of their own, whose jobs run until they are released."""

    def __init__(self, pool: HashingPool) -> None:
        self.pool = pool
        self.release = threading.Event()
        self.threads: list[threading.Thread] = []
        self.results: list[tuple[str, str]] = []

    def ask(self, client: str, account: str) -> None:
        """Ask for a job, and return when the pool has it or has refused it."""
        thread = threading.Thread(target=self._run, args=(client, account), daemon=True)
        self.threads.append(thread)
        thread.start()
        wait_until(lambda: len(self.pool.jobs) + len(self.results) >= len(self.threads))

    def _run(self, client: str, account: str) -> None:
        try:
            self.pool.run(lambda: self.release.wait(LONG), client=client, account=account)
            self.results.append((client, "served"))
        except ServiceUnavailable:
            self.results.append((client, "refused"))

    def finish(self) -> list[tuple[str, str]]:
        """Release all jobs, and return what became of each request."""
        self.release.set()
        for thread in self.threads:
            thread.join(LONG)
        return self.results


@contextmanager
def busy(pool: HashingPool) -> Iterator[None]:
    """Keep a pool of one thread and no queue busy."""
    clients = Clients(pool)
    clients.ask("elsewhere", "someone")
    try:
        yield
    finally:
        clients.finish()


def value(name: str, **labels: str) -> float:
    return metrics.registry.get_sample_value(name, labels) or 0.0


def test_no_more_jobs_run_at_once_than_the_pool_has_threads(make_pool: Any, run_concurrently: Any) -> None:
    pool, running, most, lock = make_pool(threads=2, queue=6), 0, 0, threading.Lock()

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.01)
        with lock:
            running -= 1

    run_concurrently([lambda: pool.run(work, client="a", account="b")] * 8)
    assert most == 2
    assert not pool.jobs


def test_hashes_run_in_threads_of_the_pool(make_pool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    make_pool(threads=1, queue=0)
    threads = set()

    def remember(raw: str, *_: Any) -> str:
        threads.add(threading.current_thread().name)
        return raw

    monkeypatch.setattr(hashing.hashers, "make_password", remember)
    monkeypatch.setattr(hashing.hashers, "check_password", remember)
    hashing.hash_password(Caller(), "password", account="alice")
    hashing.check_password(Caller(), "password", "hash", account="alice")
    assert threads == {"hashing_0"}


def test_a_job_s_own_failure_is_raised(make_pool: Any) -> None:
    pool = make_pool(threads=1, queue=0)

    def fail() -> None:
        raise TimeoutError("of the job itself")

    with pytest.raises(TimeoutError, match="of the job itself"):
        pool.run(fail, client="a", account="b")
    assert not pool.jobs


def test_one_client_may_fill_the_queue_while_it_is_alone(make_pool: Any) -> None:
    clients = Clients(make_pool(threads=1, queue=7))
    for number in range(8):
        clients.ask("office", f"user{number}")
    assert clients.finish() == [("office", "served")] * 8


def test_a_full_queue_refuses_at_once(make_pool: Any) -> None:
    pool = make_pool(threads=1, queue=0)
    before = value("gateway_hashes_refused_total", reason="queue_full")
    with busy(pool), pytest.raises(ServiceUnavailable):
        pool.run(lambda: None, client="a", account="b")
    assert value("gateway_hashes_refused_total", reason="queue_full") == before + 1
    assert pool.run(lambda: "served", client="a", account="b") == "served"


@pytest.mark.parametrize("shared", ["client", "account"])
def test_s96_a_full_queue_serves_others_before_the_client_or_account_with_the_most(make_pool: Any, shared: str) -> None:
    pool = make_pool(threads=1, queue=7)
    clients, before = Clients(pool), value("gateway_hashes_refused_total", reason="replaced")
    for number in range(8):
        clients.ask(*("flood", f"user{number}") if shared == "client" else (f"flood{number}", "alice"))
    for number in range(4):
        clients.ask(f"other{number}", f"someone{number}")
    assert [job.client for job in pool.jobs if job.client.startswith("other")] == [f"other{n}" for n in range(4)]
    results = clients.finish()
    assert sorted(state for client, state in results if client.startswith("flood")) == ["refused"] * 4 + ["served"] * 4
    assert [state for client, state in results if client.startswith("other")] == ["served"] * 4
    assert value("gateway_hashes_refused_total", reason="replaced") == before + 4


def test_s96_the_client_with_the_most_places_gets_no_other_for_them(make_pool: Any) -> None:
    clients = Clients(make_pool(threads=1, queue=3))
    for client in ("flood", "flood", "flood", "other", "flood"):
        clients.ask(client, client)
    assert clients.results == [("flood", "refused")]
    assert sorted(clients.finish()) == [("flood", "refused"), *[("flood", "served")] * 3, ("other", "served")]


def test_equal_clients_do_not_replace_each_other(make_pool: Any) -> None:
    clients = Clients(make_pool(threads=1, queue=3))
    for number in range(6):
        clients.ask(f"client{number}", f"user{number}")
    assert clients.results == [("client4", "refused"), ("client5", "refused")]
    assert len(clients.finish()) == 6


def test_a_job_that_waits_too_long_is_cancelled_and_never_runs(make_pool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pool, ran = make_pool(threads=1, queue=1), []
    before = value("gateway_hashes_refused_total", reason="timeout")
    with busy(pool):
        monkeypatch.setattr(hashing, "WAIT_TIMEOUT", 0.01)
        with pytest.raises(ServiceUnavailable):
            pool.run(lambda: ran.append(True), client="a", account="b")
        assert len(pool.jobs) == 1
    assert pool.run(lambda: "served", client="a", account="b") == "served"
    assert not ran
    assert value("gateway_hashes_refused_total", reason="timeout") == before + 1


def test_a_running_job_is_waited_for_however_long_it_takes(make_pool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pool, timed_out = make_pool(threads=1, queue=0), threading.Event()
    monkeypatch.setattr(hashing, "WAIT_TIMEOUT", 0.01)
    cancel = hashing.Future.cancel
    monkeypatch.setattr(hashing.Future, "cancel", lambda future: (timed_out.set(), cancel(future))[1])
    assert pool.run(lambda: timed_out.wait(LONG), client="a", account="b") is True


def test_running_and_waiting_hashes_are_counted(make_pool: Any) -> None:
    clients = Clients(make_pool(threads=1, queue=2))
    for _ in range(3):
        clients.ask("a", "b")
    wait_until(lambda: value("gateway_hashes", state="running") == 1)
    assert value("gateway_hashes", state="waiting") == 2
    # Takes the place of one.
    clients.ask("other", "someone")
    assert value("gateway_hashes", state="waiting") == 2
    clients.finish()
    assert value("gateway_hashes", state="running") == 0
    assert value("gateway_hashes", state="waiting") == 0


@pytest.mark.services
def test_stop_does_not_wait_for_the_whole_queue() -> None:
    program = """if True:
        import threading, time
        import django
        django.setup()
        from users.passwords import hashing
        hashing.WAIT_TIMEOUT = 0.5
        pool = hashing.HashingPool(threads=1, queue=99)
        work = lambda: time.sleep(1)
        for _ in range(100):
            threading.Thread(target=pool.run, args=(work,), kwargs={"client": "a", "account": "b"}, daemon=True).start()
        while len(pool.jobs) < 100:
            time.sleep(0.01)
    """
    environment = gateway_environment({"DJANGO_SETTINGS_MODULE": "gateway.settings", "DATABASE_URL": ""})
    command = [sys.executable, "-c", program]
    # All of them would take a hundred seconds.
    subprocess.run(command, cwd=ROOT, env=environment, timeout=LONG, capture_output=True, check=True)


# --- requests ------------------------------------------------------------------------------------


def test_sign_in_during_saturated_hashing_gets_retry_after(api: Api, make_pool: Any) -> None:
    with busy(make_pool(threads=1, queue=0)):
        answer = api.sign_in("alice", PASSWORD)
    assert answer.code == "SERVICE_UNAVAILABLE"
    assert answer.response["Retry-After"] == str(answer.extensions["retryAfter"])


def test_attempt_during_saturated_hashing_is_not_counted(api: Api, make_pool: Any) -> None:
    with busy(make_pool(threads=1, queue=0)):
        assert api.sign_in("alice", PASSWORD).code == "SERVICE_UNAVAILABLE"
    assert set(Attempts.objects.values_list("tried", flat=True)) == {0}


def test_s96_a_throttled_client_takes_no_place_in_the_queue(api: Api, make_pool: Any) -> None:
    for _ in range(10):
        api.sign_in("alice", "wrong")
    with busy(make_pool(threads=1, queue=0)):
        assert api.sign_in("alice", "wrong").code == "RATE_LIMITED"


def test_while_hashing_is_saturated_everything_else_is_served(api: Api, make_pool: Any) -> None:
    alice = api.new_member()
    with busy(make_pool(threads=1, queue=0)):
        assert alice("{ me { username } }").data["me"]
        assert api.refresh(alice.refresh_token).data["refreshToken"]["token"]
        assert api.register("bob").code == "SERVICE_UNAVAILABLE"
    assert api.register("bob").data["register"]["token"]


def test_an_upgraded_hash_is_made_in_the_pool_and_stored_by_the_caller(make_pool: Any, settings: Any) -> None:
    make_pool(threads=1, queue=0)
    stored: list[tuple[str, str]] = []

    def store(encoded: str) -> None:
        stored.append((threading.current_thread().name, encoded))

    pbkdf2 = hashing.hashers.PBKDF2PasswordHasher().encode("password", "salt", 10)
    check = {"account": "alice", "upgrade": store}
    assert not hashing.check_password(Caller(), "wrong", pbkdf2, **check)
    assert hashing.check_password(Caller(), "password", pbkdf2, **check)
    ((thread, encoded),) = stored
    assert thread == threading.current_thread().name
    assert encoded.startswith("argon2$")
    current = Argon2().encode("password", Argon2().salt())
    settings.PASSWORD_HASHERS = ["users.crypto.hashers.Argon2"]
    assert hashing.check_password(Caller(), "password", current, **check)
    assert len(stored) == 1
