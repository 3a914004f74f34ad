"""Password checks: whole passwords, one hash in every case, and hashes of other systems."""

from typing import Any

import bcrypt
import pytest
from argon2 import PasswordHasher
from django.contrib.auth.hashers import (
    BCryptSHA256PasswordHasher,
    PBKDF2PasswordHasher,
    PBKDF2SHA1PasswordHasher,
    ScryptPasswordHasher,
)

from tests.api import NEW_PASSWORD, PASSWORD, Api
from users.models import Event, User
from users.passwords import hashing


@pytest.fixture
def old_hashers(settings: Any) -> None:
    """The hashers of other systems, bcrypt's by our own reading of it."""
    theirs, ours = "django.contrib.auth.hashers.BCryptPasswordHasher", "users.crypto.hashers.Bcrypt"
    settings.PASSWORD_HASHERS = [name.replace(theirs, ours) for name in settings.PASSWORD_HASHERS]


LONG = "Correct Horse Battery Staple, " * 3 + "again"


@pytest.mark.parametrize(
    "guess",
    [LONG[:72], LONG[:-1], LONG + " ", " " + LONG, LONG.strip("Cn"), LONG.lower(), LONG.swapcase(), LONG * 3],
    ids=len,
)
def test_s12_a_password_is_compared_whole(api: Api, guess: str) -> None:
    api.new_member("alice", password=LONG)
    assert api.sign_in("alice", guess).code == "INVALID_CREDENTIALS"


def test_s12_the_spaces_around_a_password_belong_to_it(api: Api) -> None:
    api.new_member("alice", password=f" {PASSWORD} ")
    assert api.sign_in("alice", PASSWORD).code == "INVALID_CREDENTIALS"
    api.sign_in_member("alice", f" {PASSWORD} ")


@pytest.mark.parametrize("case", ["right", "wrong", "unknown", "malformed", "disabled", "unusable", "foreign", "empty"])
def test_s19_every_sign_in_computes_one_hash(api: Api, hashed: list[str], case: str) -> None:
    api.new_member("alice")
    users = User.objects.filter(username="alice")
    if case == "disabled":
        users.update(is_active=False)
    if case in {"unusable", "foreign"}:
        users.update(password={"unusable": "!", "foreign": "md4$a$b"}[case])
    name = {"unknown": "nobody", "malformed": "no body@"}.get(case, "alice")
    password = {"wrong": NEW_PASSWORD, "empty": ""}.get(case, PASSWORD)
    hashed.clear()
    answer = api.sign_in(name, password)
    assert ("errors" in answer.json) == (case != "right")
    assert len(hashed) == 1


BCRYPT = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


FOREIGN = {
    "bcrypt-2a": "bcrypt$" + bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4, b"2a")).decode(),
    "bcrypt-2b": f"bcrypt${BCRYPT}",
    "bcrypt-2y": f"bcrypt${BCRYPT}".replace("$2b$", "$2y$"),
    "bcrypt-sha256": BCryptSHA256PasswordHasher().encode(PASSWORD, bcrypt.gensalt(4)),
    "pbkdf2": PBKDF2PasswordHasher().encode(PASSWORD, "salt", 1_000),
    "pbkdf2-sha1": PBKDF2SHA1PasswordHasher().encode(PASSWORD, "salt", 1_000),
    "scrypt": ScryptPasswordHasher().encode(PASSWORD, "salt", n=16),
    "argon2-elsewhere": "argon2" + PasswordHasher(time_cost=1, memory_cost=16, parallelism=1).hash(PASSWORD),
}


@pytest.mark.usefixtures("old_hashers")
@pytest.mark.parametrize("kept", FOREIGN.values(), ids=FOREIGN)
def test_a_hash_of_another_system_is_verified_and_replaced_at_sign_in(api: Api, kept: str) -> None:
    alice = api.new_member("alice")
    User.objects.update(password=kept)
    assert api.sign_in("alice", NEW_PASSWORD).code == "INVALID_CREDENTIALS"
    assert User.objects.get().password == kept
    api.sign_in_member("alice")
    upgraded = User.objects.get().password
    assert upgraded.startswith("argon2$argon2id$")
    api.sign_in_member("alice")
    assert User.objects.get().password == upgraded
    assert "errors" not in alice("{ me { id } }").json, "another hash of the same password ends no session"


@pytest.mark.usefixtures("old_hashers")
def test_a_password_longer_than_bcrypt_reads_opens_an_account_from_elsewhere(api: Api) -> None:
    api.new_member("alice")
    User.objects.update(password="bcrypt$" + bcrypt.hashpw(LONG.encode()[:72], bcrypt.gensalt(4)).decode())
    assert api.sign_in("alice", "x" * 100).code == "INVALID_CREDENTIALS"
    api.sign_in_member("alice", LONG)
    assert api.sign_in("alice", LONG[:72]).code == "INVALID_CREDENTIALS"


def test_a_replaced_hash_brings_no_replaced_password_back(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.new_member("alice")
    User.objects.update(password=PBKDF2PasswordHasher().encode(PASSWORD, "salt", 1_000))

    check = hashing.check_password

    def check_meanwhile(*arguments: Any, upgrade: Any, **named: Any) -> bool:
        def upgrade_later(encoded: str) -> None:
            other = User.objects.get()
            other.set_password(NEW_PASSWORD)
            other.save()
            upgrade(encoded)

        return check(*arguments, upgrade=upgrade_later, **named)

    monkeypatch.setattr(hashing, "check_password", check_meanwhile)
    assert api.sign_in("alice", PASSWORD).code == "INVALID_CREDENTIALS"
    monkeypatch.undo()
    assert User.objects.get().check_password(NEW_PASSWORD)
    assert not User.objects.get().check_password(PASSWORD)


@pytest.mark.parametrize("guess", ["", "wrong", PASSWORD.upper(), PASSWORD + " "])
def test_s58_password_change_requires_the_old_password(api: Api, guess: str) -> None:
    alice = api.new_member("alice")
    answer = api.change_password(alice.token, guess)
    assert (answer.code, answer.extensions["field"]) == ("INVALID_CREDENTIALS", "oldPassword")
    api.sign_in_member("alice", PASSWORD)
    event = Event.objects.get(kind="password.refused")
    assert (str(event.session_id), event.facts) == (alice.claims["sid"], {})
    assert not Event.objects.filter(kind="password.changed").exists()


def test_s59_guessing_the_old_password_is_throttled_for_that_user_alone(api: Api) -> None:
    alice, bob = api.new_member("alice"), api.new_member("bob")
    answers = [api.change_password(alice.token, f"guess {number}") for number in range(30)]
    codes = [answer.code for answer in answers]
    assert codes == ["INVALID_CREDENTIALS"] * 10 + ["RATE_LIMITED"] * 20
    assert 0 < answers[-1].extensions["retryAfter"] <= 300
    assert answers[-1].response.headers["Retry-After"] == str(answers[-1].extensions["retryAfter"])
    assert api.change_password(alice.token).code == "RATE_LIMITED", "the right one waits too"
    assert "errors" not in api.change_password(bob.token).json
    assert "errors" not in api.me(alice.token).json


def test_s59_right_password_resets_the_limit(api: Api) -> None:
    alice, old, new = api.new_member("alice"), PASSWORD, NEW_PASSWORD
    for _ in range(3):
        for number in range(9):
            assert api.change_password(alice.token, f"guess {number}").code == "INVALID_CREDENTIALS"
        assert "errors" not in api.change_password(alice.token, old, new).json
        old, new = new, old


def test_s59_guesses_cannot_be_aliased(api: Api, hashed: list[str]) -> None:
    alice = api.new_member("alice")
    hashed.clear()
    guesses = " ".join(
        f'a{number}: changePassword(oldPassword: "{PASSWORD}", newPassword: "{NEW_PASSWORD}") {{ endedSessions }}'
        for number in range(20)
    )
    assert alice(f"mutation {{ {guesses} }}").code == "OPERATION_TOO_COMPLEX"
    assert hashed == []
    api.sign_in_member("alice", PASSWORD)
