"""The caller of a request comes from the Authorization header only, which is verified when needed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import orjson
import pytest
from django.test import RequestFactory

from gateway.graphql.authentication import bearer_token, set_caller
from tests.api import NEW_PASSWORD, PASSWORD, Api, Member
from users.crypto import signing_keys as crypto_keys
from users.models import Session, User
from users.sessions import key_ring

DASHBOARD = (
    'mutation {{ a: tokenAuth(username: "{}", password: "{}") {{ token }} b: dashboard(text: "x") {{ message }} }}'
)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("BEARER abc", "abc"),
        ("JWT abc", "abc"),
        ("jwt abc", "abc"),
        ("  Bearer   abc  ", "abc"),
        ("Bearer", ""),
        ("Bearer ", ""),
        ("Bearer a b", "a b"),
        ("", None),
        ("abc", None),
        ("Basic abc", None),
        ("Token abc", None),
        ("Bearerabc", None),
        ("Bearer:abc", None),
        ("Bearer\tabc", None),
    ],
)
def test_bearer_and_jwt_schemes_are_accepted(header: str, token: str | None) -> None:
    assert bearer_token(header) == token


@pytest.mark.parametrize("prefix", ["Bearer", "bearer", "JWT", "jwt"])
def test_both_schemes_authenticate(api: Api, prefix: str) -> None:
    alice = api.new_member()
    assert api.me(Authorization=f"{prefix} {alice.token}").data["me"]["username"] == "alice"


# --- malformed tokens ----------------------------------------------------------------------------

ZOO = {
    "nothing": "",
    "one dot": ".",
    "two dots": "..",
    "three dots": "...",
    "one part": "abc",
    "two parts": "abc.def",
    "four parts": "a.b.c.d",
    "no base64": "!!!.???.***",
    "white space": "a b",
    "a quoted text": '"abc"',
    "empty objects": "e30.e30.e30",
    "a list for a header": "W10.e30.e30",
    "a number for a header": "MQ.e30.e30",
    "null for a header": "bnVsbA.e30.e30",
    "bad UTF-8 in the header": "_w.e30.e30",
    "a deep header": "W1tbW1tbW1tb" * 300 + ".e30.e30",
    "a padded header": "e30=.e30.e30",
    "letters of another script": "токен.токен.токен",
    "a percent sign": "%00.%0a.%ff",
    "a word": "null",
    "undefined": "undefined",
    "4 kB": "a" * 4_097,
    "60 kB": "a.b." + "c" * 60_000,
    "10,000 dots": "." * 10_000,
}


@pytest.mark.parametrize("name", ZOO)
def test_s44_malformed_token_is_one_error(api: Api, name: str) -> None:
    answer = api.me(Authorization=f"Bearer {ZOO[name]}")
    assert answer.json["data"] == {"me": None}
    assert answer.extensions == {"code": "UNAUTHENTICATED", "reason": "TOKEN_INVALID"}
    given = api("mutation ($t: String) { verifyToken(token: $t) { payload } }", {"t": ZOO[name]})
    assert given.code == "TOKEN_INVALID"


def read_claims(member: Member, **changes: Any) -> dict[str, Any]:
    return jwt.decode(member.token, options={"verify_signature": False}) | changes


def signed(claims: dict[str, Any], **headers: Any) -> str:
    key = key_ring.get().current
    return jwt.encode(claims, key.private, key.algorithm, headers={"typ": "at+jwt", "kid": key.kid, **headers})


def expired(member: Member) -> str:
    return signed(read_claims(member, exp=member.claims["iat"] - 120, iat=member.claims["iat"] - 420))


def forged(member: Member) -> str:
    stranger = crypto_keys.load(crypto_keys.generate("ES256"))
    headers = {"typ": "at+jwt", "kid": key_ring.get().current.kid}
    return jwt.encode(read_claims(member), stranger.private, "ES256", headers=headers)


def unsigned(member: Member) -> str:
    return jwt.encode(read_claims(member), None, "none", headers={"typ": "at+jwt", "kid": key_ring.get().current.kid})


def token_of_ended_session(member: Member) -> str:
    stranger = member.api.sign_in_member(member.username)
    member.api.revoke(stranger.refresh_token)
    return stranger.token


BROKEN: dict[str, tuple[Callable[[Member], str | None], str]] = {
    "none": (lambda member: None, "TOKEN_MISSING"),
    "rubbish": (lambda member: "rubbish", "TOKEN_INVALID"),
    "expired": (expired, "TOKEN_EXPIRED"),
    "forged": (forged, "TOKEN_INVALID"),
    "unsigned": (unsigned, "TOKEN_INVALID"),
    "of another user": (lambda member: signed(read_claims(member, sub=str(member.claims["sid"]))), "TOKEN_INVALID"),
    "of an ended session": (token_of_ended_session, "TOKEN_INVALID"),
    "a refresh token": (lambda member: member.refresh_token, "TOKEN_INVALID"),
}
GUARDED = [
    "{ me { id } }",
    "{ dashboard { message } }",
    'mutation { dashboard(text: "x") { message } }',
    'mutation { endSession(id: "x") { ended } }',
    "mutation { endAllSessions { endedSessions } }",
    'mutation { updateProfile(bio: "x") { user { id } } }',
    f'mutation {{ changePassword(oldPassword: "{PASSWORD}", newPassword: "{NEW_PASSWORD}") {{ endedSessions }} }}',
    "mutation { verifyToken { payload } }",
]


@pytest.mark.parametrize("name", BROKEN)
def test_s65_guarded_field_is_null_with_a_reason(api: Api, name: str) -> None:
    make, reason = BROKEN[name]
    token = make(api.new_member())
    for document in GUARDED:
        answer = api(document, token=token)
        assert list(answer.json["data"].values()) == [None]
        assert answer.extensions == {"code": "UNAUTHENTICATED", "reason": reason}
        assert answer.status == 200
    assert api.sign_in("alice").data, "the password is the old one"


def test_s65_guarded_field_does_not_affect_other_fields(api: Api) -> None:
    answer = api("{ __typename me { id } errorCodes }")
    assert answer.json["data"]["__typename"] == "Query"
    assert answer.json["data"]["errorCodes"]
    assert (answer.json["data"]["me"], answer.error["path"]) == (None, ["me"])


# --- public fields with an invalid header --------------------------------------------------------


@pytest.mark.parametrize("name", BROKEN)
def test_s30_invalid_token_does_not_block_public_fields(api: Api, name: str) -> None:
    alice = api.new_member()
    token = BROKEN[name][0](alice)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    assert api("{ __typename }", **headers).data == {"__typename": "Query"}
    assert api.sign_in("alice", **headers).data["tokenAuth"]["token"]
    assert api.refresh(alice.refresh_token, **headers).data["refreshToken"]["token"]
    joined = api(
        f'mutation {{ register(username: "bob", email: "bob@example.com", password: "{PASSWORD}") {{ token }} }}',
        **headers,
    )
    assert joined.data["register"]["token"]
    verified = api("mutation ($t: String) { verifyToken(token: $t) { user { username } } }", {"t": alice.token})
    assert verified.data["verifyToken"]["user"]["username"] == "alice"
    revoked = api("mutation ($t: String) { revokeToken(refreshToken: $t) { revoked } }", {"t": "x"}, **headers)
    assert revoked.data["revokeToken"]["revoked"]


@pytest.mark.parametrize("header", [f"Bearer {text}" for text in ZOO.values()] + ["Basic YTpi", "Bearer", "x" * 9_000])
def test_s30_malformed_header_does_not_block_public_fields(api: Api, header: str) -> None:
    assert api("{ __typename }", Authorization=header).data == {"__typename": "Query"}
    assert api.sign_in("alice", Authorization=header).code == "INVALID_CREDENTIALS"


def test_s30_cookies_do_not_authenticate(api: Api) -> None:
    alice = api.new_member()
    for name in ("JWT", "token", "access_token", "Authorization", "sessionid", "JWT-refresh-token"):
        api.client.cookies[name] = alice.token
    assert api.me().extensions["reason"] == "TOKEN_MISSING"
    assert api.sign_in("alice").data


# --- places where tokens are ignored -------------------------------------------------------------


@pytest.mark.parametrize("name", ["token", "access_token", "authorization", "jwt", "Authorization"])
def test_s43_token_in_url_or_body_does_not_authenticate(api: Api, name: str) -> None:
    token = api.new_member().token
    asked = {"query": "{ me { id } }"}
    for value in (token, f"Bearer {token}"):
        answers = [
            api.get(**asked, **{name: value}),
            api.post(orjson.dumps({**asked, name: value})),
            api.post(orjson.dumps({**asked, "variables": {name: value}})),
            api.post(orjson.dumps({**asked, "extensions": {name: value, "headers": {name: value}}})),
            api.post(orjson.dumps(asked), X_Authorization=value, X_Access_Token=value),
        ]
        assert {answer.extensions["reason"] for answer in answers} == {"TOKEN_MISSING"}


# --- identity is fixed before execution ----------------------------------------------------------


def test_s66_sign_in_does_not_authenticate_other_fields(api: Api, settings: Any) -> None:
    settings.GATEWAY_MAX_MUTATIONS = 2
    api.new_member("alice")
    answer = api(DASHBOARD.format("alice", PASSWORD))
    assert answer.json["data"]["a"]["token"]
    assert answer.json["data"]["b"] is None
    assert (answer.error["path"], answer.code) == (["b"], "UNAUTHENTICATED")


def test_s66_other_fields_keep_the_user_of_the_header(api: Api, settings: Any) -> None:
    settings.GATEWAY_MAX_MUTATIONS = 2
    api.new_member("alice")
    answer = api.new_member("bob")(DASHBOARD.format("alice", PASSWORD))
    assert answer.data["b"] == {"message": "Hey bob, your text is x"}


def test_s66_password_change_next_to_a_sign_in_is_refused(api: Api, settings: Any) -> None:
    settings.GATEWAY_MAX_MUTATIONS = 2
    api.new_member("alice")
    before = User.objects.get().password
    document = (
        f'mutation {{ a: tokenAuth(username: "alice", password: "{PASSWORD}") {{ token }} '
        f'b: changePassword(oldPassword: "{PASSWORD}", newPassword: "{NEW_PASSWORD}") {{ endedSessions }} }}'
    )
    assert api(document).code == "OPERATION_TOO_COMPLEX"
    assert (User.objects.get().password, Session.objects.count()) == (before, 1)


def test_s66_caller_does_not_leak_into_the_next_request(api: Api) -> None:
    alice, bob = api.new_member("alice"), api.new_member("bob")
    for member in (alice, bob, alice):
        assert member("{ me { username } }").data == {"me": {"username": member.username}}
        assert api.me().code == "UNAUTHENTICATED"


# --- SQL statements of a request -----------------------------------------------------------------


def test_token_is_verified_only_if_a_resolver_needs_the_user(api: Api, statements: Any) -> None:
    alice = api.new_member()
    with statements() as public:
        assert alice("{ __typename errorCodes }").data
    with statements() as guarded:
        assert alice("{ me { username } dashboard { user { email } } }").data
    assert (len(public), len(guarded)) == (0, 1)


def test_caller_has_ip_address_and_user_agent(rf: RequestFactory) -> None:
    request: Any = rf.post("/graphql", headers={"User-Agent": "a\x00\u202eb" + "c" * 999}, REMOTE_ADDR="192.0.2.7")
    set_caller(request)
    assert request.gateway.caller.ip_address == "192.0.2.7"
    assert request.gateway.caller.user_agent.startswith("ab")
    assert len(request.gateway.caller.user_agent) == 300
    assert request.gateway.caller.token is None


@pytest.mark.django_db
def test_request_user_is_the_user_of_the_caller(api: Api, rf: RequestFactory) -> None:
    alice = api.new_member()
    for header, name in ((f"Bearer {alice.token}", "alice"), ("Bearer x", ""), ("", "")):
        request: Any = rf.post("/graphql", headers={"Authorization": header})
        set_caller(request)
        assert request.user.get_username() == name
        assert request.user.is_authenticated is bool(name)


def test_token_expires_at_its_exp_claim(api: Api, settings: Any) -> None:
    settings.GATEWAY_ACCESS_LIFETIME = timedelta(seconds=1)
    alice = api.new_member()
    assert alice.claims["exp"] - alice.claims["iat"] == 1
