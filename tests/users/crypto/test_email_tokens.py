"""Mailed tokens and codes."""

from uuid import UUID

import pytest

from users.crypto import email_tokens

ID, OTHER = UUID(int=1), UUID(int=2)
KEY = b"key"


def test_s84_token_has_256_bits_and_is_unique() -> None:
    tokens = {email_tokens.new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {43}


def test_code_has_eight_unambiguous_characters() -> None:
    codes = [email_tokens.new_code() for _ in range(200)]
    assert {len(code) for code in codes} == {8}
    assert set("".join(codes)) == set(email_tokens.ALPHABET)
    assert not set(email_tokens.ALPHABET) & set("0125AEIOUSZL")
    assert len(email_tokens.ALPHABET) ** 8 > 2**36


@pytest.mark.parametrize(
    "typed",
    [
        "BCDF-GHJK",
        "bcdfghjk",
        " bcdf ghjk ",
        "B C D F G H J K",
        "bcdf\u2013ghjk",
        "bcdf\u00a0ghjk\r\n",
        "b.c.d.f.g.h.j.k",
        "BCDF\u2011GHJK.",
    ],
)
def test_a_code_is_read_as_it_was_meant(typed: str) -> None:
    assert email_tokens.normalize(typed) == "BCDFGHJK"
    assert email_tokens.code_digest(typed, ID, KEY) == email_tokens.code_digest("BCDFGHJK", ID, KEY)


@pytest.mark.parametrize("typed", ["", "BCDFGHJ", "BCDFGHJKK", "BCDFGHJ\u212a", "\ud800" * 8, "x" * 90_000, "\x00"])
def test_another_code_has_another_seal(typed: str) -> None:
    assert email_tokens.code_digest(typed, ID, KEY) != email_tokens.code_digest("BCDFGHJK", ID, KEY)


def test_a_seal_is_of_one_proof_under_one_key() -> None:
    seals = {email_tokens.code_digest("BCDFGHJK", id, key) for id in (ID, OTHER) for key in (KEY, b"another")}
    assert len(seals) == 4
    assert {len(seal) for seal in seals} == {64}


@pytest.mark.parametrize("token", ["", "a", "\ud800", "\x00", "a" * 90_000])
def test_whatever_came_as_a_token_has_a_digest(token: str) -> None:
    assert len(email_tokens.digest(token)) == 64


def test_a_code_is_shown_in_two_halves() -> None:
    assert email_tokens.format_code("BCDFGHJK") == "BCDF-GHJK"
