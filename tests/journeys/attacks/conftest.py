"""What the attacks stand on: addresses to come from, and what is counted while they run."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api import Answer, Api
from users import hashing, keys, tokens
from users.crypto.hashers import Argon2


@pytest.fixture(autouse=True)
def _clean_start(settings: Any) -> None:
    """Cheap hashes, and no key or token remembered; documents stay parsed from test to test."""
    settings.PASSWORD_HASHERS = ["tests.hashers.CheapArgon2", *settings.PASSWORD_HASHERS[1:]]
    keys.forget()
    tokens._signed.cache_clear()


@pytest.fixture
def from_address(settings: Any) -> Callable[..., Answer]:
    """Signs in from an address, as the one proxy in front tells it."""
    settings.GATEWAY_TRUSTED_PROXIES = 1

    def sign_in(address: str, username: str = "alice", password: str = "a wrong guess") -> Answer:
        return Api().sign_in(username, password, X_Forwarded_For=address)

    return sign_in


@pytest.fixture
def many_seats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seats for fifty who hash at once, so that limits alone send anyone away."""
    monkeypatch.setattr(hashing, "turns", hashing.Turns(at_once=50, waiting=50))


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that came to the hasher."""
    seen: list[str] = []
    encode, verify = Argon2.encode, Argon2.verify
    monkeypatch.setattr(Argon2, "encode", lambda self, raw, salt: (seen.append(raw), encode(self, raw, salt))[1])
    monkeypatch.setattr(Argon2, "verify", lambda self, raw, kept: (seen.append(raw), verify(self, raw, kept))[1])
    return seen
