"""Passwords that are tried first are refused at any length; passphrases are not."""

import pytest
from django.core.exceptions import ValidationError

from users.models import User
from users.passwords.common import CommonPassword, ContextPassword, free, repeated

common = CommonPassword()
context = ContextPassword(["Acme Portal", "graphql"])


@pytest.mark.parametrize(
    "password",
    [
        "password",
        "PassWord",
        "password1234567",
        "!!password!!",
        "123456789012345",
        "passwordpassword",
        "passwordpasswordpass",
        "abcabcabcabcabc",
        "aaaaaaaaaaaaaaa",
        "abcdefghijklmno",
        "qwertyuiopasdfghjkl",
        "poiuytrewqlkjhgfdsa",
        "zyxwvutsrqponml",
        "qwertyuiop12345x",
        "iloveyouiloveyou",
    ],
)
def test_common_passwords_repeats_and_runs_are_refused(password: str) -> None:
    with pytest.raises(ValidationError) as refused:
        common.validate(password)
    assert refused.value.code == "password_too_common"


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "a wholly different staple",
        "tr0ub4dor&3xq",
        "\u043c\u043e\u0439 \u0434\u043b\u0438\u043d\u043d\u044b\u0439 \u043f\u0430\u0440\u043e\u043b\u044c",
        "\U0001f40e\U0001f50b\U0001f4ce\U0001f9e9\U0001f95d\U0001f6b2\U0001f9ca\U0001f3b7",
        "four words of acme portal",
    ],
)
def test_passphrases_pass(password: str) -> None:
    common.validate(password)
    context.validate(password, User(username="alice", email="al@b.example", full_name="Al"))


@pytest.mark.parametrize(
    "password",
    [
        "wonderland-alice-9",
        "alicewonderland",
        "WONDERLAND2026!",
        "alice@wonderland.example",
        "wonderland.example1",
        "acmeportal",
        "Acme Portal 1",
        "graphqlgraphql",
        "graphql12345678",
        "thornby99thornby",
    ],
)
def test_the_users_own_words_and_the_products_are_refused(password: str) -> None:
    user = User(username="alice", email="alice@wonderland.example", full_name="Alice Thornby")
    with pytest.raises(ValidationError) as refused:
        context.validate(password, user)
    assert refused.value.code == "password_too_similar"


def test_words_of_the_product_are_refused_without_a_user() -> None:
    with pytest.raises(ValidationError):
        context.validate("portal graphql acme")
    context.validate("wonderland-alice-9")


def test_words_of_three_letters_are_too_short_to_say_anything() -> None:
    context.validate("al-al-al-al-al-9x", User(username="al", email="x@y.example"))


@pytest.mark.parametrize(
    ("password", "left"),
    [("", 0), ("ab", 2), ("abc", 0), ("abc9", 1), ("9abc", 1), ("aaa", 0), ("aab", 0), ("ax9", 3), ("321qwe", 0)],
)
def test_runs_of_three_and_more_count_for_nothing(password: str, left: int) -> None:
    assert free(password) == left


@pytest.mark.parametrize(
    ("password", "unit"), [("abab", "ab"), ("ababa", "ab"), ("aaa", "a"), ("abcabd", "abcabd"), ("a", "a"), ("", "")]
)
def test_a_repetition_is_known_by_its_shortest_unit(password: str, unit: str) -> None:
    assert repeated(password) == unit


def test_both_say_in_the_admin_what_they_refuse() -> None:
    assert "common password" in common.get_help_text()
    assert "your name" in context.get_help_text()
