"""The key ring of a process: from the setting or the database, cached, and read again."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, transaction

from tests.api import Api
from tests.users.sessions.rings import ALGORITHMS, current_and_next, let_all_keys_be_known, restarted_ring
from tests.waiting import wait_until
from users.crypto import signing_keys as crypto_keys
from users.models import SigningKey
from users.sessions import access_tokens, key_ring, signing_keys

PARAMETERS = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_from_a_setting_signs_what_the_gateway_gives(api: Api, settings: Any, algorithm: str) -> None:
    pem = crypto_keys.generate(algorithm)
    settings.GATEWAY_SIGNING_KEYS = pem
    alice = api.new_member("alice")
    key = crypto_keys.load(pem)
    assert jwt.get_unverified_header(alice.token)["alg"] == algorithm
    assert jwt.decode(alice.token, key.public, algorithms=[algorithm], audience="gateway")["sub"] == alice.claims["sub"]
    assert "errors" not in api.me(alice.token).json
    assert not SigningKey.objects.exists()


def test_a_key_is_taken_as_a_text_with_written_breaks_or_as_a_file(settings: Any, tmp_path: Path) -> None:
    pem = crypto_keys.generate("ES256")
    file = tmp_path / "key.pem"
    file.write_text(f"a comment\n{pem}")
    for value in (pem, pem.replace("\n", "\\n"), pem.replace("\n", "\r\n"), PARAMETERS + pem, str(file)):
        settings.GATEWAY_SIGNING_KEYS = value
        assert restarted_ring().current.kid == crypto_keys.load(pem).kid


def test_of_several_keys_the_first_signs_and_all_verify(settings: Any) -> None:
    pems = [crypto_keys.generate(algorithm) for algorithm in ALGORITHMS]
    settings.GATEWAY_SIGNING_KEYS = "\n".join(pems)
    ring = restarted_ring()
    kids = [crypto_keys.load(pem).kid for pem in pems]
    assert ring.current.kid == kids[0]
    assert list(ring.by_kid) == kids
    assert [jwk["kid"] for jwk in key_ring.jwks()] == kids
    assert not any("d" in jwk for jwk in key_ring.jwks())


@pytest.mark.parametrize(
    ("value", "refusal"),
    [
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", crypto_keys.UnusableKey),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", crypto_keys.UnusableKey),
        ("-----BEGIN PRIVATE KEY-----", crypto_keys.UnusableKey),
        ("/no/such/file.pem", FileNotFoundError),
    ],
)
def test_a_setting_without_a_key_stops_instead_of_making_one(
    settings: Any, value: str, refusal: type[Exception]
) -> None:
    settings.GATEWAY_SIGNING_KEYS = value
    with pytest.raises(refusal):
        restarted_ring()


@pytest.mark.django_db(transaction=True)
def test_f21_gateways_that_start_at_one_moment_share_one_ring(
    without_key: Any, run_concurrently: Callable[..., list[key_ring.KeyRing]]
) -> None:
    rings = run_concurrently([lambda: key_ring._read(None)] * 8)
    current, coming = current_and_next()
    assert {ring.current.kid for ring in rings} == {current.kid}
    assert {kid for ring in rings for kid in ring.by_kid} == {current.kid, coming.kid}
    assert SigningKey.objects.count() == 2


def test_f21_a_changed_secret_loses_nothing_where_the_old_one_is_a_fallback(api: Api, without_key: Any) -> None:
    alice, first, old = api.new_member("alice"), restarted_ring(), without_key.SECRET_KEY
    without_key.SECRET_KEY = "another secret, long enough for anything that is derived from it"
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY_FALLBACKS"):
        restarted_ring()
    assert SigningKey.objects.count() == 2, "no makeshift was made"
    without_key.SECRET_KEY_FALLBACKS = [old]
    assert [*restarted_ring().by_kid] == [*first.by_kid]
    assert "errors" not in api.me(alice.token).json
    signing_keys.maintain()
    without_key.SECRET_KEY_FALLBACKS = []
    assert [*restarted_ring().by_kid] == [*first.by_kid], "sealed anew, the old secret is needed no more"


def test_the_ring_is_read_by_one_statement_once_in_a_while_whatever_comes(
    api: Api, without_key: Any, statements: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = api.new_member("alice")
    restarted_ring()
    key_ring.get()
    with statements() as seen:
        key_ring.jwks()
        for number in range(50):
            forged = jwt.encode({}, "-" * 32, headers={"kid": f"unknown{number}", "typ": "at+jwt"})
            assert api.me(forged).code == "UNAUTHENTICATED"
    assert seen == []
    later = signing_keys.time.monotonic() + signing_keys.RING_LIFETIME.total_seconds()
    monkeypatch.setattr(key_ring.time, "monotonic", lambda: later)
    with statements() as seen:
        key_ring.jwks()
        key_ring.jwks()
        assert "errors" not in api.me(alice.token).json
    assert len([text for text in seen if "signingkey" in text]) == 1
    assert len(seen) == 2


def test_what_a_transaction_made_is_not_remembered_before_it_holds(without_key: Any) -> None:
    with transaction.atomic():
        lost = restarted_ring().current.kid
        transaction.set_rollback(True)
    assert key_ring.get().current.kid != lost
    assert key_ring.get().current.kid == current_and_next()[0].kid


def test_an_unchanged_ring_stays_the_same_object_and_a_changed_one_does_not(
    without_key: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_keys, "RING_LIFETIME", timedelta())
    restarted_ring()
    first = key_ring.get()
    assert key_ring.get() is first
    signing_keys.revoke(current_and_next()[1].kid)
    assert key_ring.get() is not first


def test_what_is_remembered_of_a_token_is_bound_to_the_ring(api: Api, without_key: Any) -> None:
    alice = api.new_member("alice")
    api.me(alice.token)
    api.me(alice.token)
    assert access_tokens._verified_claims.cache_info().hits
    access_tokens._verified_claims.cache_clear()
    let_all_keys_be_known()
    signing_keys.rotate()
    restarted_ring()
    api.me(alice.token)
    assert access_tokens._verified_claims.cache_info().misses == 1


class CountingLock:
    """A lock that counts the threads that have asked for it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.asked: list[int] = []

    def __enter__(self) -> None:
        self.asked.append(threading.get_ident())
        self.lock.acquire()

    def __exit__(self, *_: Any) -> None:
        self.lock.release()


def test_f06_failed_read_is_not_repeated_by_the_threads_that_waited_for_it(
    without_key: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, reads = CountingLock(), []

    def fail_when_all_wait(known: key_ring.KeyRing | None) -> key_ring.KeyRing:
        reads.append(known)
        wait_until(lambda: len(lock.asked) == 5)
        raise OperationalError("the server is silent")

    monkeypatch.setattr(key_ring, "_lock", lock)
    monkeypatch.setattr(key_ring, "_read", fail_when_all_wait)
    with ThreadPoolExecutor(5) as threads:
        futures = [threads.submit(key_ring.get) for _ in range(5)]
        for future in futures:
            with pytest.raises(OperationalError):
                future.result(timeout=30)
    assert len(reads) == 1
    monkeypatch.undo()
    assert key_ring.get()
