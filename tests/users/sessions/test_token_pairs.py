"""Token pairs: opaque refresh tokens, absolute ends, and invalid tokens."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps

from tests.api import PASSWORD, Api, backdate
from tests.users.sessions.tokens import INVALID_TOKENS
from users.crypto import refresh_tokens
from users.models import Session

ALPHABET = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_s52_refresh_tokens_are_opaque_and_random(api: Api) -> None:
    members = [api.new_member("alice"), *(api.sign_in_member("alice") for _ in range(5))]
    tokens = [member.refresh_token for member in members]
    tokens += [api.next_pair(token)["refreshToken"] for token in tokens]
    for token in tokens:
        assert len(token) == 64
        assert set(token) <= ALPHABET
        parsed = refresh_tokens.parse(token)
        assert parsed is not None
        assert str(parsed.selector) not in {member.claims["sid"] for member in members}
    assert len({refresh_tokens.parse(token).secret for token in tokens}) == 12
    assert len({token[:21] for token in tokens}) == 6


def test_s53_nothing_that_opens_anything_lies_in_the_database(api: Api) -> None:
    alice = api.new_member("alice")
    pair = api.next_pair(alice.refresh_token)
    secrets = [PASSWORD, alice.token, pair["token"]]
    for token in (alice.refresh_token, pair["refreshToken"]):
        t = refresh_tokens.parse(token).secret
        secrets += [token, token[22:], t.hex(), str(t)]
    kept = str([list(model.objects.values()) for model in apps.get_app_config("users").get_models()])
    assert "alice@example.com" in kept
    assert [secret for secret in secrets if secret in kept] == []


def test_s54_rotation_never_moves_the_absolute_end(api: Api) -> None:
    grant = api.register("alice").data["register"]
    assert grant["refreshExpiresIn"] == int(Session.objects.get().absolute_expires_at.timestamp())
    backdate(Session.objects, timedelta(days=1), "created_at", "rotated_at", "expires_at", "absolute_expires_at")
    before = Session.objects.get().expires_at
    pair = api.next_pair(grant["refreshToken"])
    assert pair["refreshExpiresIn"] == grant["refreshExpiresIn"] - 86_400
    assert Session.objects.get().expires_at - before >= timedelta(days=1)


def test_s54_near_the_absolute_end_neither_the_session_nor_its_access_token_outlives_it(api: Api) -> None:
    alice = api.new_member("alice")
    backdate(Session.objects, timedelta(days=30) - timedelta(minutes=2), "absolute_expires_at")
    pair = api.next_pair(alice.refresh_token)
    session = Session.objects.get()
    assert session.expires_at == session.absolute_expires_at
    assert pair["claims"]["exp"] == pair["refreshExpiresIn"] == int(session.absolute_expires_at.timestamp())
    assert pair["claims"]["exp"] - pair["claims"]["iat"] <= 120


@pytest.mark.parametrize("token", INVALID_TOKENS.values(), ids=INVALID_TOKENS)
def test_s55_rubbish_has_one_clean_answer_and_ends_nothing(api: Api, token: str) -> None:
    alice = api.new_member("alice")
    answer = api.refresh(token)
    assert (answer.status, answer.code) == (200, "TOKEN_INVALID")
    assert answer.json["data"] == {"refreshToken": None}
    assert answer.error["message"] == api.refresh("B" * 64).error["message"]
    assert "errors" not in api.refresh(alice.refresh_token).json


def test_s55_another_spelling_of_a_token_is_not_the_token(api: Api) -> None:
    alice = api.new_member("alice")
    while not set(alice.refresh_token) & {"-", "_"}:
        alice = api.sign_in_member("alice")
    respelt = alice.refresh_token.replace("-", "+").replace("_", "/")
    assert api.refresh(respelt).code == "TOKEN_INVALID"
    assert api.refresh(f" {alice.refresh_token}").code == "TOKEN_INVALID"
    assert "errors" not in api.refresh(alice.refresh_token).json


def test_without_a_token_the_argument_is_named(api: Api) -> None:
    for answer in (api.refresh(None), api.revoke(None)):
        assert answer.code == "BAD_USER_INPUT"
        assert answer.field_errors == {("refreshToken", "REQUIRED")}


def test_a_refresh_costs_two_statements(api: Api, statements: Callable[[], Any]) -> None:
    alice = api.new_member("alice")
    with statements() as seen:
        api.refresh(alice.refresh_token)
    assert [text.split()[0] for text in seen] == ["SELECT", "UPDATE"]


def test_rubbish_is_looked_up_nowhere(api: Api, statements: Callable[[], Any]) -> None:
    with statements() as seen:
        api.refresh("rubbish")
        api.revoke("rubbish")
    assert not [text for text in seen if "users_session" in text]
