"""What the rules' tests stand on: documents stay parsed from test to test, since none of these is about them."""

from typing import Any

import pytest

from users import hashing, keys, tokens


@pytest.fixture(autouse=True)
def _clean_start(settings: Any) -> None:
    """Cheap hashes, and no key or token remembered from the test before."""
    settings.PASSWORD_HASHERS = ["tests.hashers.CheapArgon2", *settings.PASSWORD_HASHERS[1:]]
    keys.forget()
    tokens._signed.cache_clear()


@pytest.fixture
def many_seats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seats for fifty who hash at once, so that none is sent away."""
    monkeypatch.setattr(hashing, "turns", hashing.Turns(at_once=50, waiting=50))
