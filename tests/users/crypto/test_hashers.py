"""Password hashes: argon2id at the chosen cost, and bcrypt as other systems wrote it."""

import bcrypt
import pytest

from tests.hashers import CheapArgon2
from users.crypto.hashers import Argon2, Bcrypt


def test_a_hash_is_argon2id_at_the_cost_that_owasp_gives() -> None:
    encoded = Argon2().encode("password", Argon2().salt())
    assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert Argon2().verify("password", encoded)
    assert not Argon2().verify("Password", encoded)
    assert not Argon2().must_update(encoded)


def test_a_hash_of_another_cost_is_due_for_replacement() -> None:
    cheap = CheapArgon2()
    assert Argon2().must_update(cheap.encode("password", cheap.salt()))


@pytest.mark.parametrize(
    ("kept", "typed"), [("caf\u00e9", "cafe\u0301"), ("cafe\u0301", "caf\u00e9"), ("\u212b", "\u00c5")]
)
def test_s14_both_forms_of_an_accent_have_one_hash(kept: str, typed: str) -> None:
    hasher = CheapArgon2()
    assert hasher.verify(typed, hasher.encode(kept, "somesalt"))


@pytest.mark.parametrize(("kept", "typed"), [("\uff41", "a"), ("\ufb01", "fi"), ("a ", "a"), ("A", "a")])
def test_s12_nothing_else_is_folded(kept: str, typed: str) -> None:
    hasher = CheapArgon2()
    assert not hasher.verify(typed, hasher.encode(kept, "somesalt"))


def test_s12_all_of_a_long_password_is_hashed() -> None:
    hasher = CheapArgon2()
    encoded = hasher.encode("a" * 256, "somesalt")
    assert not hasher.verify("a" * 255, encoded)
    assert not hasher.verify("a" * 72, encoded)


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
def test_bcrypt_is_read_as_far_as_it_was_written(prefix: str) -> None:
    kept = bcrypt.hashpw(("x" * 72).encode(), bcrypt.gensalt(4)).decode()
    encoded = "bcrypt$" + prefix + kept.removeprefix("$2b$")
    hasher = Bcrypt()
    assert hasher.verify("x" * 72, encoded)
    assert hasher.verify("x" * 100, encoded)
    assert not hasher.verify("x" * 71, encoded)
    assert not hasher.verify("y" * 100, encoded)


def test_bcrypt_may_cut_a_letter_in_two() -> None:
    encoded = "bcrypt$" + bcrypt.hashpw(("x" + "\u00e9" * 40).encode()[:72], bcrypt.gensalt(4)).decode()
    assert Bcrypt().verify("x" + "\u00e9" * 40, encoded)
