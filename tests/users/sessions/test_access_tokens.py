"""Access tokens: authentication, verification and forgeries."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.db import OperationalError
from django.utils import timezone

from tests.api import NEW_PASSWORD, PASSWORD, Answer, Api, Member, decode
from users.crypto import signing_keys as crypto_keys
from users.models import Session, User
from users.sessions import access_tokens, key_ring

VERIFY = "mutation ($token: String) { verifyToken(token: $token) { claims { sub sid } user { username } } }"


STALE = ["Bearer", "Bearer x", "Bearer a.b.c", "JWT null", "Basic YTpi", "Bearer \u00e9", "nonsense", ""]


def resigned(token: str, **changes: Any) -> str:
    """A token that our own key signed, with other claims; None leaves one out."""
    claims = decode(token) | changes
    return access_tokens.sign({name: value for name, value in claims.items() if value is not None})


@pytest.mark.parametrize("header", STALE)
def test_s30_a_broken_header_breaks_no_public_operation(api: Api, header: str) -> None:
    api.new_member("alice")
    broken = {"Authorization": header, "Cookie": "JWT=a.b.c; sessionid=nonsense"}
    refresh_token = api.sign_in("alice", **broken).data["tokenAuth"]["refreshToken"]
    assert "errors" not in api.refresh(refresh_token, **broken).json
    assert api("{ __typename }", **broken).data == {"__typename": "Query"}
    assert api.me(**broken).code == "UNAUTHENTICATED"


def test_s30_an_expired_header_breaks_no_public_operation(api: Api) -> None:
    alice = api.new_member("alice")
    expired = resigned(alice.token, exp=1_000_000_000)
    assert "errors" not in api.refresh(alice.refresh_token, Authorization=f"Bearer {expired}").json
    assert "errors" not in api.sign_in("alice", Authorization=f"JWT {expired}").json
    assert api("{ __typename }", token=expired).data == {"__typename": "Query"}
    document = 'mutation { register(username: "bob", email: "b@example.com", password: "%s") { user { username } } }'
    assert api(document % PASSWORD, token=expired).data["register"]["user"]["username"] == "bob"


FORGERIES: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"exp": 1_000_000_000}, "TOKEN_EXPIRED"),
    "no exp": ({"exp": None}, "TOKEN_INVALID"),
    "no sub": ({"sub": None}, "TOKEN_INVALID"),
    "no sid": ({"sid": None}, "TOKEN_INVALID"),
    "from the future": ({"iat": 4_000_000_000, "exp": 4_000_000_300}, "TOKEN_INVALID"),
    "not yet": ({"nbf": 4_000_000_000}, "TOKEN_INVALID"),
    "another issuer": ({"iss": "https://evil.example"}, "TOKEN_INVALID"),
    "another audience": ({"aud": "billing"}, "TOKEN_INVALID"),
    "another session": ({"sid": "00000000-0000-4000-8000-000000000000"}, "TOKEN_INVALID"),
    "another user": ({"sub": "00000000-0000-4000-8000-000000000000"}, "TOKEN_INVALID"),
    "a name for a user": ({"sub": "alice"}, "TOKEN_INVALID"),
}


@pytest.mark.parametrize(("changes", "reason"), FORGERIES.values(), ids=FORGERIES)
def test_s38_s41_claims_under_our_own_key_must_hold(api: Api, changes: dict[str, Any], reason: str) -> None:
    alice = api.new_member("alice")
    assert "errors" not in api.me(resigned(alice.token)).json
    assert "errors" not in api.me(resigned(alice.token, nbf=1)).json
    forged = resigned(alice.token, **changes)
    answer = api.me(forged)
    assert answer.json["data"] == {"me": None}
    assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", reason)
    assert api(VERIFY, {"token": forged}).code == reason


def test_s41_one_users_token_does_not_open_anothers_session(api: Api) -> None:
    alice, bob = api.new_member("alice"), api.new_member("bob")
    assert api.me(resigned(alice.token, sid=bob.claims["sid"])).code == "UNAUTHENTICATED"
    assert api.me(resigned(alice.token, sub=bob.claims["sub"])).code == "UNAUTHENTICATED"


@pytest.mark.parametrize("algorithm", ["none", "HS256", "HS512", "ES256", "EdDSA", "RS256"])
def test_s33_s35_what_another_key_signed_opens_nothing(api: Api, algorithm: str) -> None:
    alice = api.new_member("alice")
    key = key_ring.get().current
    secret: Any = {"none": "", "HS256": str(key.jwk()).encode(), "HS512": str(key.jwk()).encode()}.get(algorithm)
    if secret is None:
        secret = crypto_keys.load(crypto_keys.generate(algorithm)).private
    header = {"typ": "at+jwt", "kid": key.kid}
    forged = jwt.encode(decode(alice.token), secret, algorithm=algorithm, headers=header)
    answer = api.me(forged)
    assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", "TOKEN_INVALID")


def test_s34_a_token_that_was_touched_opens_nothing_though_the_untouched_one_is_remembered(api: Api) -> None:
    alice, bob = api.new_member("alice"), api.new_member("bob")
    assert "errors" not in api.me(alice.token).json
    head, payload, signature = alice.token.split(".")
    for touched in (f"{head}.{bob.token.split('.')[1]}.{signature}", f"{head}.{payload}.", alice.token[:-4]):
        assert api.me(touched).code == "UNAUTHENTICATED"


def test_s38_a_remembered_token_expires_all_the_same(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = api.new_member("alice")
    assert "errors" not in api.me(alice.token).json
    now = timezone.now()
    monkeypatch.setattr(access_tokens.timezone, "now", lambda: now + timedelta(seconds=301))
    answer = api.me(alice.token)
    assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", "TOKEN_EXPIRED")
    assert api(VERIFY, {"token": alice.token}).code == "TOKEN_EXPIRED"


def test_a_key_that_left_the_ring_opens_nothing(api: Api, settings: Any) -> None:
    alice, old = api.new_member("alice"), settings.GATEWAY_SIGNING_KEYS
    settings.GATEWAY_SIGNING_KEYS = crypto_keys.generate("ES256") + old
    key_ring.clear_cache()
    access_tokens._verified_claims.cache_clear()
    assert "errors" not in api.me(alice.token).json, "it still verifies beside the new one"
    settings.GATEWAY_SIGNING_KEYS = crypto_keys.generate("ES256")
    key_ring.clear_cache()
    access_tokens._verified_claims.cache_clear()
    assert api.me(alice.token).code == "UNAUTHENTICATED"


def test_s42_each_token_has_one_purpose(api: Api) -> None:
    alice = api.new_member("alice")
    answer = api.me(alice.refresh_token)
    assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", "TOKEN_INVALID")
    assert api.refresh(alice.token).code == "TOKEN_INVALID"
    assert api(VERIFY, {"token": alice.refresh_token}).code == "TOKEN_INVALID"
    api.revoke(alice.token)
    assert "errors" not in alice("{ me { id } }").json


@pytest.mark.parametrize("key", ["token", "access_token", "jwt", "JWT", "authorization"])
def test_s43_a_token_is_looked_for_in_the_header_alone(api: Api, key: str) -> None:
    alice = api.new_member("alice")
    for value in (alice.token, f"Bearer {alice.token}"):
        body = {"query": "{ me { id } }"}
        places = [
            Answer(api.client.get("/graphql", body | {key: value})),
            Answer(api.client.post(f"/graphql?{key}={alice.token}", json.dumps(body), "application/json")),
            api.post(json.dumps(body | {key: value}).encode()),
            api.post(json.dumps(body | {"variables": {key: value}}).encode()),
            api.post(json.dumps(body | {"extensions": {key: value}}).encode()),
            api.me(Cookie=f"{key}={alice.token}"),
            api.me(**{f"X_{key}": value}),
        ]
        for answer in places:
            assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", "TOKEN_MISSING")
    assert api(f'{{ me(token: "{alice.token}") {{ id }} }}').code == "GRAPHQL_VALIDATION_FAILED"


ZOO = {
    "nothing": "",
    "a dot": ".",
    "two dots": "..",
    "three words": "a.b.c",
    "null": "null",
    "undefined": "undefined",
    "an object": "{}",
    "no json": "e30.e30.e30",
    "a brace": "ew.ew.ew",
    "unsigned": "eyJhbGciOiJub25lIn0.e30.",
    "spaces inside": "a b c",
    "a scheme twice": "Bearer Bearer",
    "commas": "a,b",
    "nul": "\x00",
    "high": "\u00e9\u00ff",
    "quotes": '"a.b.c"',
    "padding": "====.====.====",
    "percent": "%2e%2e",
    "long": "a" * 20_000,
    "many dots": "." * 5_000,
}


@pytest.mark.parametrize("token", ZOO.values(), ids=ZOO)
def test_s44_rubbish_for_a_token_has_one_clean_answer(api: Api, token: str) -> None:
    answer = api.me(Authorization=f"Bearer {token}")
    assert (answer.status, answer.code, answer.extensions["reason"]) == (200, "UNAUTHENTICATED", "TOKEN_INVALID")
    verified = api(VERIFY, {"token": token})
    assert (verified.status, verified.code) == (200, "TOKEN_INVALID")
    assert verified.json["data"] == {"verifyToken": None}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "JWT", "jwt"])
def test_both_schemes_carry_a_token_in_any_case(api: Api, scheme: str) -> None:
    alice = api.new_member("alice")
    assert api.me(Authorization=f"{scheme} {alice.token}").data["me"]["username"] == "alice"
    assert api.me(Authorization=f" {scheme}   {alice.token} ").data["me"]["username"] == "alice"


@pytest.mark.parametrize("header", [None, "", "Basic YTpi", "Token {0}", "{0}"])
def test_without_a_token_the_reason_says_so(api: Api, header: str | None) -> None:
    alice = api.new_member("alice")
    answer = api.me(**({} if header is None else {"Authorization": header.format(alice.token)}))
    assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", "TOKEN_MISSING")


def test_a_token_is_verified_from_the_argument_or_the_header(api: Api) -> None:
    alice, bob = api.new_member("alice"), api.new_member("bob")
    told = {"claims": {"sub": alice.claims["sub"], "sid": alice.claims["sid"]}, "user": {"username": "alice"}}
    assert api(VERIFY, {"token": alice.token}).data == {"verifyToken": told}
    assert api(VERIFY, token=alice.token).data == {"verifyToken": told}
    assert bob(VERIFY).data["verifyToken"]["user"] == {"username": "bob"}


@pytest.mark.parametrize("end", ["signed out", "deactivated", "password", "idle", "deleted"])
def test_a_good_signature_is_not_enough_to_verify(api: Api, end: str) -> None:
    alice, other = api.new_member("alice"), api.sign_in_member("alice")
    acts: dict[str, Callable[[], Any]] = {
        "signed out": lambda: api.revoke(alice.refresh_token),
        "deactivated": lambda: User.objects.update(is_active=False),
        "password": lambda: api.change_password(other.token, PASSWORD, NEW_PASSWORD).data,
        "idle": lambda: Session.objects.update(expires_at=timezone.now()),
        "deleted": lambda: User.objects.all().delete(),
    }
    acts[end]()
    assert api(VERIFY, {"token": alice.token}).code == "TOKEN_INVALID"
    answer = api(VERIFY, token=alice.token)
    assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", "TOKEN_INVALID")


def test_authentication_costs_one_statement_if_a_field_needs_it(api: Api, statements: Callable[[], Any]) -> None:
    alice = api.new_member("alice")
    assert count(statements, alice, "{ me { id username email lastLogin } }") == 1
    assert count(statements, alice, "{ a: me { id } b: me { id } c: dashboard { message user { id } } }") == 1
    assert count(statements, alice, "{ __typename errorCodes fieldErrorCodes }") == 0
    assert count(statements, alice, "{ me { sessions { isCurrent } } }") == 2


def test_a_deleted_user_costs_one_statement_for_many_fields(api: Api, statements: Callable[[], Any]) -> None:
    alice = api.new_member("alice")
    User.objects.all().delete()
    with statements() as seen:
        answer = alice("{ a: me { id } b: me { id } c: dashboard { message } }")
    assert {error["extensions"]["code"] for error in answer.json["errors"]} == {"UNAUTHENTICATED"}
    assert len(seen) == 1


def test_a_token_that_is_refused_for_itself_costs_nothing(api: Api, statements: Callable[[], Any]) -> None:
    alice = api.new_member("alice")
    expired = resigned(alice.token, exp=1_000_000_000)
    with statements() as seen:
        assert api.me(expired).code == api.me("a.b.c").code == api.me().code == "UNAUTHENTICATED"
    assert seen == []


def count(statements: Callable[[], Any], member: Member, document: str) -> int:
    with statements() as seen:
        assert "errors" not in member(document).json
    return len(seen)


@pytest.mark.parametrize(("ahead", "taken"), [(20, True), (60, False)])
def test_f22_a_token_of_a_machine_whose_clock_is_a_little_ahead_is_taken(api: Api, ahead: int, taken: bool) -> None:
    alice = api.new_member("alice")
    claims = alice.claims | {"iss": "http://localhost:8000", "aud": "gateway", "jti": "x", "auth_time": 1}
    token = access_tokens.sign(claims | {"iat": int(time.time()) + ahead, "exp": int(time.time()) + 300})
    assert ("errors" not in api.me(token).json) == taken


@pytest.mark.parametrize("place", ["users.sessions.key_ring.get", "users.sessions.sessions.find"])
def test_f06_a_request_waits_once_for_a_database_that_does_not_answer(
    api: Api, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    alice, asked = api.new_member(), []

    def hang(**names: Any) -> Any:
        asked.append(place)
        raise OperationalError

    monkeypatch.setattr(place, hang)
    answer = alice("{ a: me { id } b: me { id } c: me { id } }")
    assert [each["extensions"]["code"] for each in answer.json["errors"]] == ["SERVICE_UNAVAILABLE"] * 3
    assert len(asked) == 1
    monkeypatch.undo()
    assert "errors" not in alice("{ a: me { id } }").json
