"""The password policy: length, common passwords, similarity, and Unicode."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.api import NEW_PASSWORD, PASSWORD, Api
from tests.mail_flows import ADDRESS, request_mail, reset_password
from tests.mailbox import last_mail_to


@pytest.mark.parametrize("password", ["xK9#vQ2", "\u043c\u0443\u0445\u043e\u0440\u043a\u0430", "e\u0301" * 7])
def test_s08_seven_characters_are_too_few(api: Api, password: str) -> None:
    assert ("password", "PASSWORD_TOO_SHORT") in api.register("alice", password=password).field_errors


def test_s08_eight_characters_are_enough(api: Api) -> None:
    api.new_member("alice", password="xK9#vQ2w")


def test_s09_one_setting_raises_the_floor_to_fifteen(api: Api, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_PASSWORD_MIN_LENGTH", "15")
    raised = runpy.run_path(str(Path(settings.BASE_DIR) / "gateway" / "settings.py"))
    settings.AUTH_PASSWORD_VALIDATORS = raised["AUTH_PASSWORD_VALIDATORS"]
    refused = api.register("alice", password="xK9#vQ2wLp5!zR")
    assert refused.field_errors == {("password", "PASSWORD_TOO_SHORT")}
    api.new_member("alice", password="xK9#vQ2wLp5!zRt")


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
def test_s10_common_passwords_are_refused_also_when_doubled(api: Api, password: str, code: str, doubled: bool) -> None:
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
    api.new_member("alice", password=password)
    api.sign_in_member("alice", password)


def test_s13_longer_passwords_never_reach_the_hasher(api: Api, hashed: list[str]) -> None:
    longest = ("no two alike: " + "".join(map(chr, range(0x4E00, 0x4F00))))[:256]
    alice = api.new_member("alice", password=longest)
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
def test_s14_composed_and_decomposed_accents_are_one_password(api: Api, kept: str, typed: str) -> None:
    api.new_member("alice", password=f"au {kept} du coin")
    api.sign_in_member("alice", f"au {typed} du coin")
    assert api.sign_in("alice", "au cafe du coin").code == "INVALID_CREDENTIALS"


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
    alice, other = api.new_member("alice"), api.sign_in_member("alice")
    answer = api.change_password(alice.token, PASSWORD, new)
    assert answer.code == "BAD_USER_INPUT"
    assert ("newPassword", code) in answer.field_errors
    assert "errors" not in other("{ me { id } }").json
    api.sign_in_member("alice", PASSWORD)


def asked() -> str:
    """The token that was mailed to alice to choose a password by."""
    request_mail("reset")
    return last_mail_to(ADDRESS).token


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
def test_s62_reset_checks_the_password_policy_and_keeps_the_token_usable(api: Api, new: str, code: str) -> None:
    alice = api.new_member("alice")
    token = asked()
    answer = reset_password(token, new)
    assert ("newPassword", code) in answer.field_errors
    assert "errors" not in alice("{ me { id } }").json
    assert "errors" not in reset_password(token).json
