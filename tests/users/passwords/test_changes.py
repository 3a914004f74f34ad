"""Passwords: one policy, compared whole, hashed once, changed by one winner."""

import runpy
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from argon2 import PasswordHasher
from django.contrib.auth.hashers import (
    BCryptSHA256PasswordHasher,
    PBKDF2PasswordHasher,
    PBKDF2SHA1PasswordHasher,
    ScryptPasswordHasher,
    make_password,
)

from tests.api import NEW_PASSWORD, PASSWORD, Answer, Api, Member
from tests.mailed import ADDRESS, OTHER, move, proven, request, reset
from tests.post import last, queued, received
from users import lookup
from users.caller import Caller
from users.crypto.hashers import Argon2
from users.models import Attempts, EmailToken, Event, Session, User
from users.passwords import hashing, verification
from users.sessions import sessions
from users.sign_in import password

RACES = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that came to the hasher, whether to be kept or to be checked."""
    seen: list[str] = []
    encode, verify = Argon2.encode, Argon2.verify
    monkeypatch.setattr(Argon2, "encode", lambda self, raw, salt: (seen.append(raw), encode(self, raw, salt))[1])
    monkeypatch.setattr(Argon2, "verify", lambda self, raw, kept: (seen.append(raw), verify(self, raw, kept))[1])
    return seen


@pytest.fixture
def old_hashers(settings: Any) -> None:
    """The hashers of other systems, bcrypt's by our own reading of it."""
    theirs, ours = "django.contrib.auth.hashers.BCryptPasswordHasher", "users.crypto.hashers.Bcrypt"
    settings.PASSWORD_HASHERS = [name.replace(theirs, ours) for name in settings.PASSWORD_HASHERS]


# --- the policy ----------------------------------------------------------------------------------


@pytest.mark.parametrize("password", ["xK9#vQ2", "\u043c\u0443\u0445\u043e\u0440\u043a\u0430", "e\u0301" * 7])
def test_s08_seven_characters_are_too_few(api: Api, password: str) -> None:
    assert ("password", "PASSWORD_TOO_SHORT") in api.register("alice", password=password).field_errors


def test_s08_eight_characters_are_enough(api: Api) -> None:
    api.join("alice", password="xK9#vQ2w")


def test_s09_one_setting_raises_the_floor_to_fifteen(api: Api, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_PASSWORD_MIN_LENGTH", "15")
    raised = runpy.run_path(str(Path(settings.BASE_DIR) / "gateway" / "settings.py"))
    settings.AUTH_PASSWORD_VALIDATORS = raised["AUTH_PASSWORD_VALIDATORS"]
    refused = api.register("alice", password="xK9#vQ2wLp5!zR")
    assert refused.field_errors == {("password", "PASSWORD_TOO_SHORT")}
    api.join("alice", password="xK9#vQ2wLp5!zRt")


@pytest.mark.parametrize("doubled", [False, True])
@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("password", "PASSWORD_TOO_COMMON"),
        ("12345678", "PASSWORD_TOO_COMMON"),
        ("12345678", "PASSWORD_ENTIRELY_NUMERIC"),
        ("qwertyuiop", "PASSWORD_TOO_COMMON"),
        ("iloveyou", "PASSWORD_TOO_COMMON"),
        ("aaaaaaaa", "PASSWORD_TOO_COMMON"),
        ("abcdefgh", "PASSWORD_TOO_COMMON"),
        ("trustno1", "PASSWORD_TOO_COMMON"),
        ("football1", "PASSWORD_TOO_COMMON"),
        ("wonderland", "PASSWORD_TOO_SIMILAR"),
        ("thornby-1", "PASSWORD_TOO_SIMILAR"),
        ("queens.example", "PASSWORD_TOO_SIMILAR"),
        ("gatewaygraphql", "PASSWORD_TOO_SIMILAR"),
        ("Gateway!", "PASSWORD_TOO_SIMILAR"),
    ],
)
def test_s10_what_is_tried_first_is_refused_doubled_too(api: Api, password: str, code: str, doubled: bool) -> None:
    answer = api.register(
        "wonderland", "alice@queens.example", password * 2 if doubled else password, fullName="Alice Thornby"
    )
    assert ("password", code) in answer.field_errors


@pytest.mark.parametrize(
    "password",
    [
        "four plain english words",
        " leading and trailing spaces ",
        "\u043c\u043e\u0439 \u0434\u043e\u043b\u0433\u0438\u0439 \u043f\u0430\u0440\u043e\u043b\u044c",
        "\U0001f40e\U0001f50b\U0001f4ce\U0001f9e9\U0001f95d\U0001f6b2\U0001f9ca\U0001f3b7",
        "onlylowercaselettershere",
        "tabs\tand\nlines\x00and nothing",
        ("no two alike: " + "".join(map(chr, range(0x4E00, 0x4F00))))[:256],
    ],
)
def test_s11_any_script_spaces_emoji_and_256_characters_make_a_password(api: Api, password: str) -> None:
    api.join("alice", password=password)
    api.signed_in("alice", password)


LONG = "Correct Horse Battery Staple, " * 3 + "again"


@pytest.mark.parametrize(
    "guess",
    [LONG[:72], LONG[:-1], LONG + " ", " " + LONG, LONG.strip("Cn"), LONG.lower(), LONG.swapcase(), LONG * 3],
    ids=len,
)
def test_s12_a_password_is_compared_whole(api: Api, guess: str) -> None:
    api.join("alice", password=LONG)
    assert api.sign_in("alice", guess).code == "INVALID_CREDENTIALS"


def test_s12_the_spaces_around_a_password_belong_to_it(api: Api) -> None:
    api.join("alice", password=f" {PASSWORD} ")
    assert api.sign_in("alice", PASSWORD).code == "INVALID_CREDENTIALS"
    api.signed_in("alice", f" {PASSWORD} ")


def test_s13_what_is_longer_than_256_characters_never_reaches_the_hasher(api: Api, hashed: list[str]) -> None:
    longest = ("no two alike: " + "".join(map(chr, range(0x4E00, 0x4F00))))[:256]
    alice = api.join("alice", password=longest)
    hashed.clear()
    huge = longest + "x" * 80_000
    assert api.register("bob", password=huge).field_errors == {("password", "TOO_LONG")}
    assert hashed == []
    for name in ("alice", "nobody"):
        hashed.clear()
        assert api.sign_in(name, huge).code == "INVALID_CREDENTIALS"
        assert [len(each) for each in hashed] == [256]
    hashed.clear()
    assert api.change_password(alice.token, huge, NEW_PASSWORD).code == "INVALID_CREDENTIALS"
    assert [len(each) for each in hashed] == [256]
    hashed.clear()
    assert api.change_password(alice.token, longest, huge).field_errors == {("newPassword", "TOO_LONG")}
    assert hashed == []
    assert "errors" not in api.sign_in("alice", longest).json


@pytest.mark.parametrize(("kept", "typed"), [("caf\u00e9", "cafe\u0301"), ("cafe\u0301", "caf\u00e9")])
def test_s14_accents_composed_and_apart_are_one_password(api: Api, kept: str, typed: str) -> None:
    api.join("alice", password=f"au {kept} du coin")
    api.signed_in("alice", f"au {typed} du coin")
    assert api.sign_in("alice", "au cafe du coin").code == "INVALID_CREDENTIALS"


# --- hashes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["right", "wrong", "unknown", "malformed", "disabled", "unusable", "foreign", "empty"])
def test_s19_one_hash_is_computed_whoever_asks(api: Api, hashed: list[str], case: str) -> None:
    api.join("alice")
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
    alice = api.join("alice")
    User.objects.update(password=kept)
    assert api.sign_in("alice", NEW_PASSWORD).code == "INVALID_CREDENTIALS"
    assert User.objects.get().password == kept
    api.signed_in("alice")
    upgraded = User.objects.get().password
    assert upgraded.startswith("argon2$argon2id$")
    api.signed_in("alice")
    assert User.objects.get().password == upgraded
    assert "errors" not in alice("{ me { id } }").json, "another hash of the same password ends no session"


@pytest.mark.usefixtures("old_hashers")
def test_a_password_longer_than_bcrypt_reads_opens_an_account_from_elsewhere(api: Api) -> None:
    api.join("alice")
    User.objects.update(password="bcrypt$" + bcrypt.hashpw(LONG.encode()[:72], bcrypt.gensalt(4)).decode())
    assert api.sign_in("alice", "x" * 100).code == "INVALID_CREDENTIALS"
    api.signed_in("alice", LONG)
    assert api.sign_in("alice", LONG[:72]).code == "INVALID_CREDENTIALS"


def test_a_replaced_hash_brings_no_replaced_password_back(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.join("alice")
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


# --- changing it ---------------------------------------------------------------------------------


def test_s58_the_old_password_makes_way_for_the_new_one(api: Api) -> None:
    alice = api.join("alice")
    assert api.change_password(alice.token).data == {
        "changePassword": {"endedSessions": 0, "user": {"username": "alice"}}
    }
    assert api.sign_in("alice", PASSWORD).code == "INVALID_CREDENTIALS"
    api.signed_in("alice", NEW_PASSWORD)
    event = Event.objects.get(kind="password.changed")
    assert str(event.session_id) == alice.claims["sid"]
    assert event.facts == {}


def test_s58_nobody_changes_a_password_without_a_session(api: Api) -> None:
    api.join("alice")
    answer = api.change_password(None)
    assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", "TOKEN_MISSING")
    api.signed_in("alice", PASSWORD)


@pytest.mark.parametrize("guess", ["", "wrong", PASSWORD.upper(), PASSWORD + " "])
def test_s58_nobody_changes_a_password_without_knowing_it(api: Api, guess: str) -> None:
    alice = api.join("alice")
    answer = api.change_password(alice.token, guess)
    assert (answer.code, answer.extensions["field"]) == ("INVALID_CREDENTIALS", "oldPassword")
    api.signed_in("alice", PASSWORD)
    event = Event.objects.get(kind="password.refused")
    assert (str(event.session_id), event.facts) == (alice.claims["sid"], {})
    assert not Event.objects.filter(kind="password.changed").exists()


def test_s59_guessing_the_old_password_is_throttled_for_that_user_alone(api: Api) -> None:
    alice, bob = api.join("alice"), api.join("bob")
    answers = [api.change_password(alice.token, f"guess {number}") for number in range(30)]
    codes = [answer.code for answer in answers]
    assert codes == ["INVALID_CREDENTIALS"] * 10 + ["RATE_LIMITED"] * 20
    assert 0 < answers[-1].extensions["retryAfter"] <= 300
    assert answers[-1].response.headers["Retry-After"] == str(answers[-1].extensions["retryAfter"])
    assert api.change_password(alice.token).code == "RATE_LIMITED", "the right one waits too"
    assert "errors" not in api.change_password(bob.token).json
    assert "errors" not in api.me(alice.token).json


def test_s59_the_right_password_forgives_the_wrong_ones(api: Api) -> None:
    alice, old, new = api.join("alice"), PASSWORD, NEW_PASSWORD
    for _ in range(3):
        for number in range(9):
            assert api.change_password(alice.token, f"guess {number}").code == "INVALID_CREDENTIALS"
        assert "errors" not in api.change_password(alice.token, old, new).json
        old, new = new, old


def test_s59_guesses_cannot_be_aliased(api: Api, hashed: list[str]) -> None:
    alice = api.join("alice")
    hashed.clear()
    guesses = " ".join(
        f'a{number}: changePassword(oldPassword: "{PASSWORD}", newPassword: "{NEW_PASSWORD}") {{ endedSessions }}'
        for number in range(20)
    )
    assert alice(f"mutation {{ {guesses} }}").code == "OPERATION_TOO_COMPLEX"
    assert hashed == []
    api.signed_in("alice", PASSWORD)


def test_s60_s61_every_other_session_ends_with_the_old_password_and_this_one_stays(api: Api) -> None:
    alice, bob = api.join("alice"), api.join("bob")
    others = [api.signed_in("alice") for _ in range(3)]
    assert api.change_password(alice.token).data["changePassword"]["endedSessions"] == 3
    for other in others:
        assert api.refresh(other.refresh_token).code == "TOKEN_INVALID"
        answer = other("{ me { id } }")
        assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", "TOKEN_INVALID")
    for member in (alice, bob):
        assert "errors" not in member("{ me { id } }").json
        assert "errors" not in api.refresh(member.refresh_token).json
    assert alice("{ me { sessions { isCurrent } } }").data["me"]["sessions"] == [{"isCurrent": True}]


def test_s61_the_credential_version_alone_ends_a_session_that_nobody_ended(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, other = api.join("alice"), api.signed_in("alice")
    monkeypatch.setattr(sessions, "end_all_locked", lambda *_, **__: 0)
    assert "errors" not in api.change_password(alice.token).json
    assert Session.objects.filter(ended_at=None).count() == 2
    assert other("{ me { id } }").code == "UNAUTHENTICATED"
    assert api.refresh(other.refresh_token).code == "TOKEN_INVALID"
    assert len(alice("{ me { sessions { id } } }").data["me"]["sessions"]) == 1


@pytest.mark.parametrize(
    ("new", "code"),
    [
        ("", "REQUIRED"),
        ("xK9#vQ2", "PASSWORD_TOO_SHORT"),
        ("password123", "PASSWORD_TOO_COMMON"),
        ("927481036152", "PASSWORD_ENTIRELY_NUMERIC"),
        ("alice@example.com", "PASSWORD_TOO_SIMILAR"),
        (PASSWORD * 10, "TOO_LONG"),
        (PASSWORD, "PASSWORD_UNCHANGED"),
    ],
)
def test_s62_the_new_password_keeps_the_same_rules_and_is_new(api: Api, new: str, code: str) -> None:
    alice, other = api.join("alice"), api.signed_in("alice")
    answer = api.change_password(alice.token, PASSWORD, new)
    assert answer.code == "BAD_USER_INPUT"
    assert ("newPassword", code) in answer.field_errors
    assert "errors" not in other("{ me { id } }").json
    api.signed_in("alice", PASSWORD)


@RACES
def test_s63_of_eight_changes_at_once_one_wins_and_seven_conflict(
    at_once: Callable[..., list[Answer]], monkeypatch: pytest.MonkeyPatch
) -> None:
    members = [Api().join("alice"), *(Api().signed_in("alice") for _ in range(7))]
    chosen = [f"{NEW_PASSWORD} {number}" for number in range(8)]
    # All have read, and proven that they know the old one, before any writes.
    proven = threading.Barrier(8)
    monkeypatch.setattr(hashing, "hash_password", lambda caller, raw, **_: (proven.wait(30), make_password(raw))[1])
    answers = at_once([lambda each=each: change(members[each], chosen[each]) for each in range(8)])
    monkeypatch.undo()
    winners = [number for number, answer in enumerate(answers) if "errors" not in answer.json]
    assert len(winners) == 1
    assert [answer.code for number, answer in enumerate(answers) if number not in winners] == ["CONFLICT"] * 7
    assert User.objects.get().credential_version == 1
    assert Event.objects.filter(kind="password.changed").count() == 1
    fitting = [number for number in range(8) if User.objects.get().check_password(chosen[number])]
    assert fitting == winners
    alive = [number for number in range(8) if "errors" not in members[number]("{ me { id } }").json]
    assert alive == winners


def test_s63_a_change_that_read_before_another_conflicts_and_leaves_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, other = api.join("alice"), api.signed_in("alice")

    def meanwhile(caller: Caller, raw: str, **_: Any) -> str:
        monkeypatch.undo()
        User.objects.update(credential_version=1)
        Session.objects.update(credential_version=1)
        return make_password(raw)

    monkeypatch.setattr(hashing, "hash_password", meanwhile)
    assert api.change_password(alice.token).code == "CONFLICT"
    api.signed_in("alice", PASSWORD)
    assert "errors" not in other("{ me { id } }").json
    assert not Event.objects.filter(kind="password.changed").exists()


def test_a_user_deactivated_meanwhile_changes_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = api.join("alice")
    monkeypatch.setattr(
        hashing, "hash_password", lambda caller, raw, **_: (User.objects.update(is_active=False), make_password(raw))[1]
    )
    assert api.change_password(alice.token).code == "CONFLICT"
    assert User.objects.get().check_password(PASSWORD)


@RACES
def test_s64_no_session_outlives_a_change_by_refreshing_through_it(at_once: Callable[..., list[Any]]) -> None:
    alice = Api().join("alice")
    others = [Api().signed_in("alice") for _ in range(8)]
    ended, *newest = at_once(
        [lambda: change(alice, NEW_PASSWORD), *(lambda other=other: refresh_on(other) for other in others)]
    )
    assert "errors" not in ended.json
    for token, refresh_token in newest:
        assert Api().me(token).code == "UNAUTHENTICATED"
        assert Api().refresh(refresh_token).code == "TOKEN_INVALID"
    assert len(alice("{ me { sessions { id } } }").data["me"]["sessions"]) == 1
    assert "errors" not in Api().refresh(alice.refresh_token).json


@RACES
def test_s64_no_sign_in_by_the_old_password_outlives_a_change(at_once: Callable[..., list[Answer]]) -> None:
    alice = Api().join("alice")
    ended, *answers = at_once([lambda: change(alice, NEW_PASSWORD), *[lambda: Api().sign_in("alice")] * 8])
    assert "errors" not in ended.json
    for answer in answers:
        if "errors" in answer.json:
            assert answer.code == "INVALID_CREDENTIALS"
        else:
            assert Api().me(answer.data["tokenAuth"]["token"]).code == "UNAUTHENTICATED"
    assert len(alice("{ me { sessions { id } } }").data["me"]["sessions"]) == 1


@pytest.mark.parametrize("change", [{"credential_version": 7}, {"is_active": False}])
def test_a_sign_in_judged_before_a_change_opens_nothing_after_it(
    api: Api, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    api.join("alice")
    judge = verification.is_correct
    monkeypatch.setattr(
        verification,
        "is_correct",
        lambda *asked, **named: (judge(*asked, **named), User.objects.update(**change))[0],
    )
    assert api.sign_in("alice").code == "INVALID_CREDENTIALS"
    assert Session.objects.count() == 1
    assert User.objects.get().last_login is None


@pytest.mark.parametrize("name", ["alice", "ALICE", "\uff41lice", "alice@example.com", "Alice@EXAMPLE.com"])
def test_an_account_is_found_by_either_name_in_any_spelling(api: Api, name: str) -> None:
    api.join("alice")
    api.join("bob")
    found = lookup.find_by_login(name)
    assert found is not None
    assert found.username == "alice"


@pytest.mark.parametrize(
    "name", ["", "@", "carol", "carol@example.com", "alice ", "alice\x00", "ali%", "alice@example"]
)
def test_nobody_is_found_by_another_name(api: Api, name: str) -> None:
    api.join("alice")
    assert lookup.find_by_login(name) is None


def test_an_address_is_not_looked_for_among_the_names(api: Api) -> None:
    api.join("alice")
    User.objects.update(email="alice@example.com")
    User.objects.create_user("bob", "bob@example.com", PASSWORD)
    assert password.sign_in(Caller(), username="bob@example.com", password=PASSWORD).user.username == "bob"


# --- choosing another where it is forgotten ------------------------------------------------------


def asked() -> str:
    """The token that was mailed to alice to choose a password by."""
    request("reset")
    return last(ADDRESS).token


def test_s85_a_reset_replaces_the_password_ends_all_sessions_opens_none_and_tells(api: Api) -> None:
    alice, other, bob = proven(), api.signed_in("alice"), api.join("bob")
    before = User.objects.filter(username="alice").values().get()
    answer = reset(asked())
    assert answer.data == {"resetPassword": {"endedSessions": 2, "user": {"username": "alice"}}}
    after = User.objects.filter(username="alice").values().get()
    assert {name for name in after if after[name] != before[name]} == {"password", "credential_version"}
    assert ["errors" in each("{ me { id } }").json for each in (alice, other, bob)] == [True, True, False]
    assert api.refresh(alice.refresh_token).code == "TOKEN_INVALID"
    assert not Session.objects.filter(user__username="alice", ended_at=None).exists()
    assert last(ADDRESS).subject == "Your password was changed"
    kinds = list(Event.objects.filter(user__username="alice").order_by("at").values_list("kind", flat=True))
    assert kinds[-3:] == ["password.reset_requested", "session.ended", "password.reset"]
    assert Event.objects.get(kind="session.ended", user__username="alice").facts["reason"] == "password reset"
    assert api.sign_in("alice", PASSWORD).code == "INVALID_CREDENTIALS"
    api.signed_in("alice", NEW_PASSWORD)


def test_s85_a_reset_clears_the_owner_s_way_past_the_limits(api: Api) -> None:
    api.join("alice")
    token = asked()
    for name in ("alice", ADDRESS):
        for _ in range(11):
            refused = api.sign_in(name, "a wrong guess")
        assert refused.code == "RATE_LIMITED"
    Attempts.objects.filter(key__startswith="sign_in_address").delete()
    assert "errors" not in reset(token).json
    for name in ("alice", ADDRESS):
        api.signed_in(name, NEW_PASSWORD)


@pytest.mark.parametrize(
    ("new", "code"),
    [
        ("", "REQUIRED"),
        ("xK9#vQ2", "PASSWORD_TOO_SHORT"),
        ("password123", "PASSWORD_TOO_COMMON"),
        ("alice@example.com", "PASSWORD_TOO_SIMILAR"),
        (PASSWORD * 10, "TOO_LONG"),
    ],
)
def test_s62_a_reset_keeps_the_same_rules_and_another_try_may_follow(api: Api, new: str, code: str) -> None:
    alice = api.join("alice")
    token = asked()
    answer = reset(token, new)
    assert ("newPassword", code) in answer.field_errors
    assert "errors" not in alice("{ me { id } }").json
    assert "errors" not in reset(token).json


def test_a_dead_token_costs_no_hash(api: Api, hashed: list[str]) -> None:
    api.join("alice")
    hashed.clear()
    assert reset("A" * 43).code == "TOKEN_INVALID"
    assert hashed == []


@pytest.mark.parametrize("meanwhile", [{"email": OTHER}, {"credential_version": 7}, {"is_active": False}])
def test_s84_a_reset_of_an_account_that_changes_meanwhile_changes_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch, meanwhile: dict[str, Any]
) -> None:
    api.join("alice")
    token = asked()
    monkeypatch.setattr(
        hashing, "hash_password", lambda caller, raw, **_: (User.objects.update(**meanwhile), make_password(raw))[1]
    )
    assert reset(token).code == "TOKEN_INVALID"
    assert User.objects.get().check_password(PASSWORD)
    assert EmailToken.objects.filter(purpose="reset").exists()


def test_a_reset_asked_for_at_the_former_address_is_void_at_the_new_one(api: Api) -> None:
    alice = proven()
    token = asked()
    move(alice)
    assert reset(token).code == "TOKEN_INVALID"
    before = len(received(ADDRESS))
    request("reset", ADDRESS)
    assert len(received(ADDRESS)) == before


def test_another_password_is_told_once_to_its_owner(api: Api) -> None:
    alice = proven()
    before = queued()
    api.change_password(alice.token, "wrong")
    assert queued() == before
    api.change_password(alice.token)
    assert [mail.subject for mail in received(ADDRESS)][1:] == ["Your password was changed"]


@RACES
def test_s84_of_six_resets_and_changes_at_once_one_wins(at_once: Callable[..., list[Answer]], long_queue: None) -> None:
    members = [Api().join("alice"), Api().signed_in("alice"), Api().signed_in("alice")]
    token = asked()
    answers = at_once(
        [*[lambda: reset(token)] * 3, *[lambda each=each: change(each, "yet another staple") for each in members]]
    )
    codes = [answer.code for answer in answers if "errors" in answer.json]
    assert len(codes) == 5
    assert set(codes) <= {"TOKEN_INVALID", "CONFLICT", "UNAUTHENTICATED", "INVALID_CREDENTIALS"}
    assert User.objects.get().credential_version == 1


def change(member: Member, new: str) -> Answer:
    return Api().change_password(member.token, PASSWORD, new)


def refresh_on(member: Member) -> tuple[str, str]:
    """Refresh until refused; the last pair that was given."""
    token, refresh_token = member.token, member.refresh_token
    for _ in range(15):
        answer = Api().refresh(refresh_token)
        if "errors" in answer.json:
            assert answer.code == "TOKEN_INVALID"
            break
        pair = answer.data["refreshToken"]
        token, refresh_token = pair["token"], pair["refreshToken"]
    return token, refresh_token


@pytest.mark.parametrize("setting", ["optional", "required"])
def test_a_reset_proves_the_address_that_its_mail_went_to(api: Api, settings: Any, setting: str) -> None:
    settings.GATEWAY_EMAIL_VERIFICATION = setting
    api.register("alice")
    api('mutation { requestPasswordReset(email: "alice@example.com") { accepted } }')
    document = """mutation ($token: String!, $new: String!) {
        resetPassword(token: $token, newPassword: $new) { user { isEmailVerified } } }"""
    answer = api(document, {"token": last("alice@example.com").token, "new": NEW_PASSWORD})
    assert answer.data["resetPassword"]["user"]["isEmailVerified"]
    user = User.objects.get()
    assert (user.is_email_verified, user.erases_at) == (True, None)
    assert Event.objects.filter(kind="email.verified").count() == 1
    assert "errors" not in api.signed_in("alice", NEW_PASSWORD)("{ me { id } }").json
