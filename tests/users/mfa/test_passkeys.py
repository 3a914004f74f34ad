"""Passkey assertions: single use, counters, owners, limits and values that are no passkeys."""

import base64
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from tests.api import Api, Member
from tests.authenticator import ELIGIBLE, PRESENT, VERIFIED, Authenticator
from tests.mail_flows import ADDRESS
from tests.mailbox import mails_to
from tests.passkeys import (
    SIGN_IN,
    add_passkey,
    creation_options,
    new_verified_member,
    request_options,
    sign_in_with_passkey,
)
from users.models import Event, Passkey, Session, User
from users.throttle import buckets


@pytest.fixture
def alice(api: Api) -> Member:
    return new_verified_member()


def test_use_is_stored(alice: Member) -> None:
    key = add_passkey(alice, flags=PRESENT | VERIFIED | ELIGIBLE)
    key.flags |= 0x10
    assert sign_in_with_passkey(key.get(request_options())).data
    row = Passkey.objects.get()
    assert row.sign_count == 2
    assert row.is_backed_up
    assert row.last_used_at is not None


def test_s143_options_name_no_account_and_cost_no_statement(alice: Member, statements: Callable[[], Any]) -> None:
    add_passkey(alice)
    with statements() as seen:
        options = request_options()
    assert seen == []
    assert options["allowCredentials"] == []
    assert options["rpId"] == "localhost"
    assert options["userVerification"] == "required"


def test_s137_assertion_works_once(alice: Member) -> None:
    key = add_passkey(alice, count=0)
    assertion = key.get(request_options())
    assert sign_in_with_passkey(assertion).data
    assert sign_in_with_passkey(assertion).code == "TOKEN_INVALID"
    assert Session.objects.filter(created_at__gte=Passkey.objects.get().created_at).count() == 1


def test_challenge_works_once_even_with_a_new_signature(alice: Member) -> None:
    key, options = add_passkey(alice), request_options()
    assert sign_in_with_passkey(key.get(options)).data
    assert sign_in_with_passkey(key.get(options)).code == "TOKEN_INVALID"


def test_challenge_older_than_the_last_use_is_refused(alice: Member) -> None:
    key, early = add_passkey(alice), request_options()
    assert sign_in_with_passkey(key.get(request_options())).data
    assert sign_in_with_passkey(key.get(early)).code == "TOKEN_INVALID"
    assert not Event.objects.filter(kind="passkey.refused").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [0, 1])
def test_s137_one_assertion_used_at_once_opens_one_session(
    run_concurrently: Callable[[list[Any]], list[Any]], count: int
) -> None:
    alice = new_verified_member()
    key = add_passkey(alice, count=count)
    assertion, before = key.get(request_options()), Session.objects.count()
    answers = run_concurrently([lambda: sign_in_with_passkey(assertion)] * 5)
    assert sum("errors" not in answer.json for answer in answers) == 1
    assert Session.objects.count() == before + 1
    assert {answer.code for answer in answers if "errors" in answer.json} == {"TOKEN_INVALID"}


@pytest.mark.parametrize("count", [5, 4, 1])
def test_s138_counter_that_does_not_grow_is_refused_with_an_event_and_a_mail(alice: Member, count: int) -> None:
    key = add_passkey(alice)
    key.count = 4
    assert sign_in_with_passkey(key.get(request_options())).data
    clone = replace(key, count=count - 1) if count > 1 else replace(key, count=0)
    assert sign_in_with_passkey(clone.get(request_options())).code == "INVALID_CREDENTIALS"
    assert Event.objects.filter(kind="passkey.refused", user__username="alice").count() == 1
    (mail,) = [mail for mail in mails_to(ADDRESS) if mail.subject == "A passkey was refused"]
    assert "“Passkey”" in mail.text
    assert Passkey.objects.get().sign_count == 5
    assert sign_in_with_passkey(key.get(request_options())).data


def test_clone_causes_a_limited_number_of_mails(alice: Member) -> None:
    key = add_passkey(alice)
    key.count = 9
    assert sign_in_with_passkey(key.get(request_options())).data
    clone = replace(key, count=1)
    for _ in range(8):
        sign_in_with_passkey(replace(clone).get(request_options()))
    assert len([mail for mail in mails_to(ADDRESS) if mail.subject == "A passkey was refused"]) <= 5


def test_s138_counter_of_a_synchronised_passkey_stays_zero(alice: Member) -> None:
    key = add_passkey(alice, count=0)
    for _ in range(100):
        assert sign_in_with_passkey(key.get(request_options())).data
    assert Passkey.objects.get().sign_count == 0


def test_largest_counter_is_stored(alice: Member) -> None:
    key = add_passkey(alice)
    key.count = 2**32 - 2
    assert sign_in_with_passkey(key.get(request_options())).data
    assert Passkey.objects.get().sign_count == 2**32 - 1


@pytest.mark.parametrize("flags", [PRESENT, VERIFIED, PRESENT | VERIFIED | ELIGIBLE])
def test_s133_s136_unverified_user_or_changed_flag_is_refused(alice: Member, flags: int) -> None:
    key = add_passkey(alice)
    key.flags = flags
    assert sign_in_with_passkey(key.get(request_options())).code == "INVALID_CREDENTIALS"


def test_s134_framed_sign_in_is_refused(alice: Member) -> None:
    key = add_passkey(alice)
    assert sign_in_with_passkey(key.get(request_options(), crossOrigin=True)).code == "INVALID_CREDENTIALS"


def test_s135_missing_or_foreign_user_handle_is_refused(alice: Member) -> None:
    key = add_passkey(alice)
    bob = new_verified_member("bob")
    for handle in (None, User.objects.get(username="bob").id.bytes):
        key.user_handle = handle
        assert sign_in_with_passkey(key.get(request_options())).code == "INVALID_CREDENTIALS"
    assert bob


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost",
        "http://localhost:1",
        "http://LOCALHOST:8000",
        "http://localhost.:8000",
        "http://evil-localhost:8000",
    ],
)
def test_s139_other_origins_are_refused(alice: Member, origin: str) -> None:
    key = add_passkey(alice)
    key.origin = origin
    assert sign_in_with_passkey(key.get(request_options())).code == "INVALID_CREDENTIALS"


def test_challenge_of_a_registration_does_not_sign_in(alice: Member) -> None:
    key = add_passkey(alice)
    options = request_options() | {"challenge": creation_options(alice)["challenge"]}
    assert sign_in_with_passkey(key.get(options)).code == "TOKEN_INVALID"


def test_expired_challenge_is_refused(alice: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    key, options = add_passkey(alice), request_options()
    monkeypatch.setattr("users.mfa.passkey_ceremonies.CHALLENGE_LIFETIME", timedelta(0))
    assert sign_in_with_passkey(key.get(options)).code == "TOKEN_EXPIRED"


@pytest.mark.parametrize(
    "value",
    [
        [],
        1,
        "text",
        {},
        {"id": "AA"},
        {"a": {"b": {"c": {"d": {"e": {"f": {}}}}}}},
        {"id": "a" * 8_193},
        {"id": "\ud800"},
    ],
    ids=range(8),
)
def test_s140_other_values_are_refused(api: Api, value: Any) -> None:
    body = orjson.dumps({"query": SIGN_IN, "variables": {"passkey": "VALUE"}})
    text = b'{"id": "\\ud800"}' if value == {"id": "\ud800"} else orjson.dumps(value)
    answer = api.post(body.replace(b'"VALUE"', text))
    assert answer.status < 500
    assert answer.code in {"BAD_USER_INPUT", "BAD_REQUEST"}


def test_s140_deeply_nested_values_are_refused(api: Api) -> None:
    for opening, closing in (('{"a":', "}"), ("[", "]")):
        value = opening * 500 + "1" + closing * 500
        body = orjson.dumps({"query": SIGN_IN, "variables": {"passkey": "VALUE"}}).replace(b'"VALUE"', value.encode())
        answer = api.post(body)
        assert answer.status < 500
        assert answer.code in {"BAD_USER_INPUT", "BAD_REQUEST"}
        literal = value.replace('"a"', "a")
        answer = api(f"mutation {{ passkeyAuth(passkey: {literal}) {{ token }} }}")
        assert answer.status < 500
        assert answer.code


def test_assertion_may_stand_in_the_document(alice: Member, api: Api) -> None:
    assertion = add_passkey(alice).get(request_options())
    literal = orjson.dumps(assertion).decode()
    for name in ("id", "rawId", "type", "response", "clientExtensionResults", "clientDataJSON", "authenticatorData"):
        literal = literal.replace(f'"{name}":', f"{name}:")
    literal = literal.replace('"signature":', "signature:").replace('"userHandle":', "userHandle:")
    assert api(f"mutation {{ passkeyAuth(passkey: {literal}) {{ token }} }}").data


def test_unknown_passkey_has_a_reason(api: Api) -> None:
    stranger = Authenticator(user_handle=b"h" * 16)
    answer = sign_in_with_passkey(stranger.get(request_options()))
    assert (answer.code, answer.extensions["reason"]) == ("INVALID_CREDENTIALS", "UNKNOWN_PASSKEY")


def test_s144_bad_signature_writes_nothing_about_the_user(alice: Member) -> None:
    key = add_passkey(alice)
    before = Event.objects.count()
    thief = Authenticator(id=key.id, user_handle=key.user_handle)
    answer = sign_in_with_passkey(thief.get(request_options()))
    assert (answer.code, answer.extensions.get("reason")) == ("INVALID_CREDENTIALS", None)
    assert Event.objects.count() == before


def test_s144_bad_assertions_are_limited_per_client_and_not_per_user(alice: Member) -> None:
    key = add_passkey(alice)
    thief = Authenticator(id=key.id, user_handle=key.user_handle)
    codes = [sign_in_with_passkey(thief.get(request_options())).code for _ in range(200)]
    assert codes[:60] == ["INVALID_CREDENTIALS"] * 60
    assert set(codes[60:]) == {"RATE_LIMITED"}
    # The owner shares the network with the attacker here, and is not refused all the same.
    assert sign_in_with_passkey(key.get(request_options())).data
    assert Api().sign_in("alice").data
    assert buckets("passkey_client", "127.0.0.1")


def test_broken_base64_is_refused(alice: Member) -> None:
    key = add_passkey(alice)
    for part in ("clientDataJSON", "authenticatorData", "signature", "userHandle"):
        for text in ("", "!", "é", "AAAAA", base64.b64encode(b"x" * 300).decode()):
            assertion = key.get(request_options())
            assertion["response"][part] = text
            answer = sign_in_with_passkey(assertion)
            assert answer.code in {"INVALID_CREDENTIALS", "BAD_USER_INPUT", "TOKEN_INVALID"}, (part, text)


def test_gateway_without_passkeys_refuses(api: Api, settings: Any) -> None:
    settings.GATEWAY_PASSKEY_RP_ID = ""
    assert api("mutation { passkeyAssertionOptions { options } }").code == "FEATURE_DISABLED"
    assert sign_in_with_passkey({}).code == "FEATURE_DISABLED"


def test_passkey_of_another_rp_id_is_refused(alice: Member, settings: Any) -> None:
    key = add_passkey(alice)
    settings.GATEWAY_PASSKEY_RP_ID = "example.com"
    assert sign_in_with_passkey(key.get(request_options())).code == "INVALID_CREDENTIALS"


def test_challenge_of_a_reauthentication_does_not_sign_in(alice: Member) -> None:
    key = add_passkey(alice)
    assert sign_in_with_passkey(key.get(request_options(token=alice.token))).code == "TOKEN_INVALID"


def test_options_with_an_invalid_access_token_are_refused(api: Api) -> None:
    answer = api("mutation { passkeyAssertionOptions { options } }", token="x")
    assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", "TOKEN_INVALID")


def test_log_has_the_reason_of_a_refusal(alice: Member, caplog: pytest.LogCaptureFixture) -> None:
    key = add_passkey(alice)
    key.origin = "https://evil.example\n"
    with caplog.at_level(logging.INFO, "gateway.passkeys"):
        sign_in_with_passkey(key.get(request_options()))
    (line,) = [record.getMessage() for record in caplog.records if record.name == "gateway.passkeys"]
    assert 'Unexpected client data origin "https://evil.example\\n"' in line
