"""Challenges are valid for one purpose and one subject, under any of the keys."""

import pytest

from users.crypto import passkey_challenges
from users.crypto.passkey_challenges import Invalid

KEY, OTHER = b"k" * 32, b"o" * 32
NOW = 1_800_000_000_000_000


def issued(key: bytes = KEY) -> bytes:
    return passkey_challenges.issue(key, purpose="sign in", subject="alice", now=NOW)


def test_challenge_returns_the_time_at_which_it_was_issued() -> None:
    assert passkey_challenges.read(issued(), [KEY], purpose="sign in", subject="alice") == NOW


def test_challenges_are_random() -> None:
    assert issued() != issued()


def test_challenge_of_a_former_key_is_valid() -> None:
    assert passkey_challenges.read(issued(OTHER), [KEY, OTHER], purpose="sign in", subject="alice") == NOW


@pytest.mark.parametrize(
    ("purpose", "subject"), [("register", "alice"), ("sign in", "bob"), ("sign in", ""), ("sign in\0alice", "")]
)
def test_challenge_of_another_purpose_or_subject_is_invalid(purpose: str, subject: str) -> None:
    with pytest.raises(Invalid):
        passkey_challenges.read(issued(), [KEY], purpose=purpose, subject=subject)


@pytest.mark.parametrize("position", [0, 8, 24, 55])
def test_challenge_with_a_changed_byte_is_invalid(position: int) -> None:
    changed = bytearray(issued())
    changed[position] ^= 1
    with pytest.raises(Invalid):
        passkey_challenges.read(bytes(changed), [KEY], purpose="sign in", subject="alice")


@pytest.mark.parametrize(
    "challenge", [b"", b"x", b"x" * 55, issued()[1:], issued() + b"x"], ids=["empty", "one", "55", "shorter", "longer"]
)
def test_challenge_of_another_length_is_invalid(challenge: bytes) -> None:
    with pytest.raises(Invalid):
        passkey_challenges.read(challenge, [KEY], purpose="sign in", subject="alice")


def test_challenge_under_an_unknown_key_is_invalid() -> None:
    with pytest.raises(Invalid):
        passkey_challenges.read(issued(OTHER), [KEY], purpose="sign in", subject="alice")
