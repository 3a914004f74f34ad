"""Fixtures for the tests of the rules. Parsed documents stay cached from test to test."""

from collections.abc import Iterator
from typing import Any

import pytest

from users.passwords import hashing
from users.sessions import access_tokens, key_ring


@pytest.fixture(autouse=True)
def _clear_caches(settings: Any) -> None:
    """Cheap hashes, and no key or token remembered from the test before."""
    settings.PASSWORD_HASHERS = ["tests.hashers.CheapArgon2", *settings.PASSWORD_HASHERS[1:]]
    key_ring.clear_cache()
    access_tokens._verified_claims.cache_clear()


@pytest.fixture
def long_queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A hashing queue with room for every request of a test, so that none is refused for want of it."""
    pool = hashing.HashingPool(threads=2, queue=100)
    monkeypatch.setattr(hashing, "pool", pool)
    yield
    pool.executor.shutdown()


@pytest.fixture
def verification_required(settings: Any) -> None:
    """Require a verified email for every sign-in."""
    settings.GATEWAY_EMAIL_VERIFICATION = "required"
