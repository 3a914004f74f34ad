"""Seals: opened by the secrets that are given, and by no other."""

from collections.abc import Callable

import pytest

from users.crypto import encryption

OLD, NEW = "the old secret, of some length", "the new secret, of some length"


def test_what_is_sealed_is_opened_again_and_shows_nothing() -> None:
    sealed = encryption.encrypt("a key", [OLD])
    assert encryption.decrypt(sealed, [OLD]) == "a key"
    assert "key" not in sealed
    assert sealed != encryption.encrypt("a key", [OLD])


def test_the_first_secret_seals_and_each_of_them_opens() -> None:
    assert encryption.decrypt(encryption.encrypt("a key", [OLD]), [NEW, OLD]) == "a key"
    assert encryption.decrypt(encryption.encrypt("a key", [NEW, OLD]), [NEW]) == "a key"


@pytest.mark.parametrize("secrets", [[NEW], [OLD + " "], ["", NEW]])
def test_another_secret_opens_nothing(secrets: list[str]) -> None:
    with pytest.raises(encryption.CannotDecrypt):
        encryption.decrypt(encryption.encrypt("a key", [OLD]), secrets)


@pytest.mark.parametrize(
    "change", [lambda text: text[:-4], lambda text: "B" + text[1:], lambda text: "", lambda text: "x"]
)
def test_a_seal_that_was_touched_does_not_open(change: Callable[[str], str]) -> None:
    with pytest.raises(encryption.CannotDecrypt):
        encryption.decrypt(change(encryption.encrypt("a key", [OLD])), [OLD])


def test_one_secret_serves_several_purposes_by_keys_of_their_own() -> None:
    derived = {encryption.derive(secret, purpose) for secret in (OLD, NEW) for purpose in ("one", "two")}
    assert len(derived) == 4
    assert {len(key) for key in derived} == {32}
    assert encryption.derive(OLD, "one") == encryption.derive(OLD, "one")
