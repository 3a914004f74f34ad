"""Sealed tokens: only the gateway reads them, for one purpose and for a while."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from users import sealed_tokens
from users.errors import TokenExpired, TokenInvalid

MINUTE = timedelta(minutes=1)


def test_a_token_returns_its_facts() -> None:
    token = sealed_tokens.seal("one", lifetime=MINUTE, name="alice", steps=[1, 2])
    assert sealed_tokens.unseal("one", token) == {"name": "alice", "steps": [1, 2]}
    assert "alice" not in token


def test_a_token_of_another_purpose_is_invalid() -> None:
    with pytest.raises(TokenInvalid):
        sealed_tokens.unseal("two", sealed_tokens.seal("one", lifetime=MINUTE))


def test_a_changed_token_is_invalid() -> None:
    token = sealed_tokens.seal("one", lifetime=MINUTE, name="alice")
    middle = len(token) // 2
    changed = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
    for text in (changed, token[:-4], "", "x", "\u00e9", "\ud800", "A" * 100_000):
        with pytest.raises(TokenInvalid):
            sealed_tokens.unseal("one", text)


def test_a_token_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    token, now = sealed_tokens.seal("one", lifetime=MINUTE), timezone.now()
    monkeypatch.setattr("users.sealed_tokens.timezone.now", lambda: now + MINUTE)
    with pytest.raises(TokenExpired):
        sealed_tokens.unseal("one", token)


def test_a_token_of_a_former_secret_key_is_valid_and_of_an_unknown_one_is_not(settings: Any) -> None:
    token, former = sealed_tokens.seal("one", lifetime=MINUTE), settings.SECRET_KEY
    settings.SECRET_KEY = "another" * 10
    with pytest.raises(TokenInvalid):
        sealed_tokens.unseal("one", token)
    settings.SECRET_KEY_FALLBACKS = [former]
    assert sealed_tokens.unseal("one", token) == {}
