"""More than can be served: of hashing, and of documents made to cost much."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.api import PASSWORD
from tests.faults.conftest import Start
from tests.faults.process import WIDE, Gateway
from tests.faults.storm import JOIN, ME, REFRESH, SIGN_IN, call, told

# Megabytes: of what is hashed at once, and of what Python does not give back.
FLAT = 120
OWN_HASHES = {
    "DJANGO_SETTINGS_MODULE": "gateway.settings",
    "GATEWAY_MAX_CONCURRENT_HASHES": "2",
    "GATEWAY_HASH_QUEUE": "4",
}
# Put back what tests of floods switch off.
BY_DEFAULT = dict.fromkeys(WIDE, "")


def told_by(number: int) -> dict[str, str]:
    """The header by which the proxy in front names a client."""
    return {"X-Forwarded-For": f"198.51.100.{number}"}


@contextmanager
def flood(act: Callable[[int], None], clients: int) -> Iterator[list[BaseException]]:
    """So many do the same again and again; what failed."""
    is_over, failures = threading.Event(), list[BaseException]()

    def again(number: int) -> None:
        try:
            while not is_over.is_set():
                act(number)
                number += clients
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=again, args=(number,), daemon=True) for number in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield failures
    finally:
        is_over.set()
        for thread in threads:
            thread.join(30)
    assert not failures, failures[:3]


def join(gateway: Gateway) -> dict[str, str]:
    """Somebody's first pair."""
    pair: dict[str, str] = told(gateway.origin, JOIN, n="alice", e="alice@example.com", p=PASSWORD)["data"]["register"]
    return pair


def read_and_refresh(gateway: Gateway, pair: dict[str, str], rounds: int) -> None:
    """Read and refresh several times; every request must be answered."""
    for _ in range(rounds):
        assert told(gateway.origin, ME, token=pair["token"])["data"]["me"] == {"username": "alice"}
        pair = told(gateway.origin, REFRESH, t=pair["refreshToken"])["data"]["refreshToken"]


def test_f16_while_hashing_is_saturated_all_else_is_served_and_memory_is_flat(start: Start, tmp_path: Path) -> None:
    gateway = start(f"sqlite:///{tmp_path / 'db.sqlite3'}", **OWN_HASHES)
    codes = Counter[str]()
    join(gateway)
    pair = told(gateway.origin, SIGN_IN, n="alice", p=PASSWORD)["data"]["tokenAuth"]

    def sign_in(number: int) -> None:
        errors = told(gateway.origin, SIGN_IN, n="alice", p=PASSWORD).get("errors")
        codes[errors[0]["extensions"]["code"] if errors else "OK"] += 1
        if errors:
            assert errors[0]["extensions"]["retryAfter"] == 2
            time.sleep(0.1)

    before = gateway.memory()
    with flood(sign_in, 30):
        read_and_refresh(gateway, pair, 10)
        assert call(gateway.origin, "/healthz")[0] == 200
        grown = gateway.memory() - before
    assert grown < FLAT
    assert set(codes) == {"OK", "SERVICE_UNAVAILABLE"}
    assert told(gateway.origin, SIGN_IN, n="alice", p=PASSWORD)["data"]["tokenAuth"]


@pytest.mark.parametrize("limits", [{}, BY_DEFAULT], ids=["without limits", "by default"])
def test_s96_one_client_with_a_valid_account_keeps_no_others_from_signing_in(
    start: Start, tmp_path: Path, limits: dict[str, str]
) -> None:
    settings = {"DJANGO_SETTINGS_MODULE": "gateway.settings", "GATEWAY_TRUSTED_PROXIES": "1", **limits}
    gateway = start(f"sqlite:///{tmp_path / 'db.sqlite3'}", GATEWAY_HASH_QUEUE="8", **settings)
    for number, name in enumerate(["alice", *(f"other{number}" for number in range(20))]):
        answer = told(gateway.origin, JOIN, headers=told_by(number), n=name, e=f"{name}@example.com", p=PASSWORD)
        assert answer["data"]["register"]
    flooded, served = Counter[str](), 0

    def sign_in(number: int) -> None:
        errors = told(gateway.origin, SIGN_IN, headers=told_by(99), n="alice", p=PASSWORD).get("errors")
        flooded[errors[0]["extensions"]["code"] if errors else "OK"] += 1

    with flood(sign_in, 40):
        for number in range(20):
            answer = told(gateway.origin, SIGN_IN, headers=told_by(number + 1), n=f"other{number}", p=PASSWORD)
            served += "errors" not in answer
    assert served >= 18, (served, flooded)
    assert flooded["OK"] > 0


def test_sixty_four_sign_ins_at_once_are_all_served_and_reading_goes_on(start: Start, tmp_path: Path) -> None:
    settings = {"DJANGO_SETTINGS_MODULE": "gateway.settings", "GATEWAY_MAX_CONCURRENT_HASHES": "1"}
    gateway = start(f"sqlite:///{tmp_path / 'db.sqlite3'}", **settings)
    pair, codes = join(gateway), Counter[str]()

    def sign_in(barrier: threading.Barrier) -> None:
        barrier.wait(30)
        errors = told(gateway.origin, SIGN_IN, n="alice", p=PASSWORD).get("errors")
        codes[errors[0]["extensions"]["code"] if errors else "OK"] += 1

    barrier = threading.Barrier(65)
    threads = [threading.Thread(target=sign_in, args=(barrier,), daemon=True) for _ in range(64)]
    for thread in threads:
        thread.start()
    barrier.wait(30)
    read = 0
    while any(thread.is_alive() for thread in threads):
        read += told(gateway.origin, ME, token=pair["token"])["data"]["me"] == {"username": "alice"}
    assert codes == {"OK": 64}
    assert read > 5


def hostile(number: int) -> str:
    """A document that nobody has sent before, made to cost much."""
    kinds = [
        # Valid, and remembered: by as many as the cache has room for.
        lambda: f"query q{number} {{ " + " ".join(f"a{index}: __typename" for index in range(15)) + " }",
        lambda: f"query q{number} " + "{ me " * 400 + "{ id }" + "}" * 400,
        lambda: (
            f"query q{number} {{ ...f0 }} "
            + " ".join(f"fragment f{index} on Query {{ ...f{index + 1} ...f{index + 1} }}" for index in range(60))
            + " fragment f60 on Query { __typename }"
        ),
        lambda: f"query q{number} {{ ...a }} fragment a on Query {{ ...b }} fragment b on Query {{ ...a }}",
        lambda: f"query q{number} {{ " + " ".join(f"x{index}: me {{ id }}" for index in range(300)) + " }",
        lambda: f"query q{number}({', '.join(f'$v{index}: Int = {index}' for index in range(200))}) {{ __typename }}",
        lambda: f"query q{number} {{ __typename " + "@skip(if: false) " * 400 + "}",
        lambda: f"# {number}\n" + "{" * 9_000,
    ]
    return kinds[number % len(kinds)]()


def test_f24_hostile_documents_leave_others_served_and_memory_flat(start: Start, tmp_path: Path) -> None:
    gateway = start(f"sqlite:///{tmp_path / 'db.sqlite3'}", DJANGO_DEBUG="1")
    pair, sent = join(gateway), Counter[str]()

    def send(number: int) -> None:
        errors = told(gateway.origin, hostile(number)).get("errors")
        sent[errors[0]["extensions"]["code"] if errors else "OK"] += 1

    for number in range(200):
        send(number)
    before = gateway.memory()
    with flood(send, 8):
        read_and_refresh(gateway, pair, 20)
    assert gateway.memory() - before < FLAT
    assert sent.keys() <= {"OK", "OPERATION_TOO_COMPLEX", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"}
    assert sent["OK"] > 40
