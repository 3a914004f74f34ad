"""Fixtures for the tests of passwords."""

import pytest

from users.crypto.hashers import Argon2


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the passwords that the hasher received, to hash or to verify."""
    seen: list[str] = []
    encode, verify = Argon2.encode, Argon2.verify
    monkeypatch.setattr(Argon2, "encode", lambda self, raw, salt: (seen.append(raw), encode(self, raw, salt))[1])
    monkeypatch.setattr(Argon2, "verify", lambda self, raw, stored: (seen.append(raw), verify(self, raw, stored))[1])
    return seen
