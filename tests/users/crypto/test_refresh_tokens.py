"""Refresh tokens: one spelling, one successor, nothing kept that could be presented."""

import hashlib
from uuid import UUID, uuid4

import pytest

from users.crypto import refresh_tokens

KEY, SESSION = b"k" * 32, UUID("00000000-0000-4000-8000-000000000001")


def test_a_token_is_read_as_it_was_written() -> None:
    selector = uuid4()
    token = refresh_tokens.first(selector)
    assert refresh_tokens.parse(str(token)) == token
    assert (token.selector, len(token.secret)) == (selector, 32)
    assert token.digest == hashlib.sha256(token.secret).hexdigest()


def test_s52_first_tokens_are_random() -> None:
    selector = uuid4()
    assert len({refresh_tokens.first(selector).secret for _ in range(100)}) == 100


def test_s50_a_token_has_one_successor() -> None:
    token = refresh_tokens.first(uuid4())
    after = token.successor(KEY, SESSION, 1)
    assert after == token.successor(KEY, SESSION, 1)
    assert (after.selector, len(after.secret)) == (token.selector, 32)
    assert after.secret != token.secret


def test_the_successor_depends_on_the_key_the_session_the_generation_and_the_token() -> None:
    token = refresh_tokens.first(uuid4())
    others = [
        token.successor(b"K" * 32, SESSION, 1),
        token.successor(KEY, uuid4(), 1),
        token.successor(KEY, SESSION, 2),
        refresh_tokens.RefreshToken(token.selector, bytes(32)).successor(KEY, SESSION, 1),
        token.successor(KEY, SESSION, 1),
    ]
    assert len({each.secret for each in others}) == 5


def test_s53_a_digest_makes_no_successor() -> None:
    token = refresh_tokens.first(uuid4())
    from_dump = refresh_tokens.RefreshToken(token.selector, bytes.fromhex(token.digest))
    assert from_dump.successor(KEY, SESSION, 1) != token.successor(KEY, SESSION, 1)
    assert from_dump.digest != token.digest


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A" * 63,
        "A" * 65,
        "A" * 64 + "\n",
        "A" * 62 + "==",
        "+" * 64,
        "/" * 64,
        "\u00e9" * 64,
        "\uff21" * 64,
        " " * 64,
    ],
    ids=ascii,
)
def test_s55_a_text_that_cannot_be_a_token_is_none(text: str) -> None:
    assert refresh_tokens.parse(text) is None
