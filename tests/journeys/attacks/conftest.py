"""Fixtures for the attacks: client addresses, and counters of hashes."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.api import Answer, Api
from users.crypto.hashers import Argon2
from users.passwords import hashing
from users.sessions import access_tokens, key_ring


@pytest.fixture(autouse=True)
def _clear_caches(settings: Any) -> None:
    """Cheap hashes, and no key or token remembered; documents stay parsed from test to test."""
    settings.PASSWORD_HASHERS = ["tests.hashers.CheapArgon2", *settings.PASSWORD_HASHERS[1:]]
    key_ring.clear_cache()
    access_tokens._verified_claims.cache_clear()


@pytest.fixture
def from_address(settings: Any) -> Callable[..., Answer]:
    """Signs in from an address, as the one proxy in front tells it."""
    settings.GATEWAY_TRUSTED_PROXIES = 1

    def sign_in(address: str, username: str = "alice", password: str = "a wrong guess") -> Answer:
        return Api().sign_in(username, password, X_Forwarded_For=address)

    return sign_in


@pytest.fixture
def long_queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A hashing queue with room for every request of a test, so that none is refused for want of it."""
    pool = hashing.HashingPool(threads=2, queue=100)
    monkeypatch.setattr(hashing, "pool", pool)
    yield
    pool.executor.shutdown()


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that came to the hasher."""
    seen: list[str] = []
    encode, verify = Argon2.encode, Argon2.verify
    monkeypatch.setattr(Argon2, "encode", lambda self, raw, salt: (seen.append(raw), encode(self, raw, salt))[1])
    monkeypatch.setattr(Argon2, "verify", lambda self, raw, kept: (seen.append(raw), verify(self, raw, kept))[1])
    return seen
