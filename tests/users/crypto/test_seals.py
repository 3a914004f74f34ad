"""Seals: opened by the secrets that are given, and by no other."""

from collections.abc import Callable

import pytest

from users.crypto import seals

OLD, NEW = "the old secret, of some length", "the new secret, of some length"


def test_what_is_sealed_is_opened_again_and_shows_nothing() -> None:
    sealed = seals.seal("a key", [OLD])
    assert seals.unseal(sealed, [OLD]) == "a key"
    assert "key" not in sealed
    assert sealed != seals.seal("a key", [OLD])


def test_the_first_secret_seals_and_each_of_them_opens() -> None:
    assert seals.unseal(seals.seal("a key", [OLD]), [NEW, OLD]) == "a key"
    assert seals.unseal(seals.seal("a key", [NEW, OLD]), [NEW]) == "a key"


@pytest.mark.parametrize("secrets", [[NEW], [OLD + " "], ["", NEW]])
def test_another_secret_opens_nothing(secrets: list[str]) -> None:
    with pytest.raises(seals.Unsealable):
        seals.unseal(seals.seal("a key", [OLD]), secrets)


@pytest.mark.parametrize(
    "change", [lambda text: text[:-4], lambda text: "B" + text[1:], lambda text: "", lambda text: "x"]
)
def test_a_seal_that_was_touched_does_not_open(change: Callable[[str], str]) -> None:
    with pytest.raises(seals.Unsealable):
        seals.unseal(change(seals.seal("a key", [OLD])), [OLD])


def test_one_secret_serves_several_purposes_by_keys_of_their_own() -> None:
    derived = {seals.derive(secret, purpose) for secret in (OLD, NEW) for purpose in ("one", "two")}
    assert len(derived) == 4
    assert {len(key) for key in derived} == {32}
    assert seals.derive(OLD, "one") == seals.derive(OLD, "one")
