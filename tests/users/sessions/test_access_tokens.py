"""Tokens: given to who knows the password, recognised at once, worth nothing elsewhere."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_logged_in
from django.db import OperationalError
from django.utils import timezone
from graphene.utils.str_converters import to_camel_case

from tests.api import NEW_PASSWORD, PASSWORD, Answer, Api, Member, age
from tests.mailed import proven, verify
from tests.post import last
from users.caller import Caller
from users.crypto import signing_keys as crypto_keys
from users.models import Event, Session, User
from users.sessions import access_tokens, key_ring

VERIFY = "mutation ($token: String) { verifyToken(token: $token) { claims { sub sid } user { username } } }"
PAIRS = ["admin", "root", "test", "user", "guest", "administrator", "superuser", "gateway"]
STALE = ["Bearer", "Bearer x", "Bearer a.b.c", "JWT null", "Basic YTpi", "Bearer \u00e9", "nonsense", ""]


def decoded(token: str) -> dict[str, Any]:
    """The claims, as a service behind the gateway reads them."""
    key = key_ring.get().current
    return jwt.decode(token, key.public, algorithms=[key.algorithm], audience="gateway", issuer="http://localhost:8000")


def resigned(token: str, **changes: Any) -> str:
    """A token that our own key signed, with other claims; None leaves one out."""
    claims = decoded(token) | changes
    return access_tokens.sign({name: value for name, value in claims.items() if value is not None})


# --- signing in ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["alice", "ALICE", "\uff41lice", "alice@example.com", "ALICE@Example.Com"])
def test_signing_in_by_either_name_opens_a_session_and_is_recorded(api: Api, name: str) -> None:
    api.join("alice")
    grant = api.sign_in(name, User_Agent="Browser/1").data["tokenAuth"]
    user, session = User.objects.get(), Session.objects.latest("created_at")
    assert grant["claims"]["sid"] == str(session.id)
    assert (session.user_agent, session.ip_address, session.device_name) == ("Browser/1", "127.0.0.1", "")
    assert user.last_login is not None
    assert timezone.now() - user.last_login < timedelta(minutes=1)
    event = Event.objects.get(kind="session.opened")
    assert (event.user, event.session_id, event.user_agent) == (user, session.id, "Browser/1")


def test_signing_in_tells_djangos_signal_once_and_writes_the_moment_once(api: Api) -> None:
    api.join("alice")
    seen: list[Any] = []

    def see(sender: Any, user: User, **_: Any) -> None:
        seen.append((user.username, user.last_login))

    user_logged_in.connect(see)
    try:
        api.signed_in("alice")
        assert api.sign_in("alice", "wrong").code == "INVALID_CREDENTIALS"
    finally:
        user_logged_in.disconnect(see)
    assert seen == [("alice", User.objects.get().last_login)]


def test_s18_every_refusal_looks_alike(api: Api) -> None:
    for name in ("alice", "disabled", "unusable"):
        api.join(name)
    User.objects.filter(username="disabled").update(is_active=False)
    User.objects.filter(username="unusable").update(password="!")
    answers = [
        api.sign_in("alice", "wrong"),
        api.sign_in("alice", ""),
        api.sign_in("alice", PASSWORD * 100),
        api.sign_in("nobody"),
        api.sign_in("nobody@example.com"),
        api.sign_in("no body"),
        api.sign_in(""),
        api.sign_in("disabled"),
        api.sign_in("disabled", "wrong"),
        api.sign_in("unusable"),
    ]
    assert {answer.status for answer in answers} == {200}
    assert len({answer.response.content for answer in answers}) == 1
    assert answers[0].code == "INVALID_CREDENTIALS"
    named = [set(answer.response.headers) for answer in answers]
    assert all(each == named[0] for each in named)


def test_a_refused_sign_in_is_recorded_without_what_was_typed(api: Api) -> None:
    api.join("alice")
    api.sign_in("alice", "guess one")
    api.sign_in("my secret password", "guess two")
    known, unknown = Event.objects.filter(kind="sign_in.refused").order_by("at")
    assert (known.user.username, known.ip_address, known.facts) == ("alice", "127.0.0.1", {})
    assert (unknown.user, unknown.facts) == (None, {})
    assert Session.objects.count() == 1
    assert User.objects.get().last_login is None


@pytest.mark.parametrize("device", ["a" * 101, "a\nb"])
def test_a_device_name_that_will_not_do_is_named(api: Api, device: str) -> None:
    api.join("alice")
    document = "mutation ($p: String!, $d: String) { tokenAuth(username: %s, password: $p, deviceName: $d) { token } }"
    answer = api(document % '"alice"', {"p": PASSWORD, "d": device})
    assert {field for field, _ in answer.field_errors} == {"deviceName"}
    assert Session.objects.count() == 1


@pytest.mark.parametrize("header", STALE)
def test_s30_a_broken_header_breaks_no_public_operation(api: Api, header: str) -> None:
    api.join("alice")
    broken = {"Authorization": header, "Cookie": "JWT=a.b.c; sessionid=nonsense"}
    refresh_token = api.sign_in("alice", **broken).data["tokenAuth"]["refreshToken"]
    assert "errors" not in api.refresh(refresh_token, **broken).json
    assert api("{ __typename }", **broken).data == {"__typename": "Query"}
    assert api.me(**broken).code == "UNAUTHENTICATED"


def test_s30_an_expired_header_breaks_no_public_operation(api: Api) -> None:
    alice = api.join("alice")
    expired = resigned(alice.token, exp=1_000_000_000)
    assert "errors" not in api.refresh(alice.refresh_token, Authorization=f"Bearer {expired}").json
    assert "errors" not in api.sign_in("alice", Authorization=f"JWT {expired}").json
    assert api("{ __typename }", token=expired).data == {"__typename": "Query"}
    document = 'mutation { register(username: "bob", email: "b@example.com", password: "%s") { user { username } } }'
    assert api(document % PASSWORD, token=expired).data["register"]["user"]["username"] == "bob"


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("password", ["{name}", "password", "admin", ""])
def test_s31_nobody_is_there_before_anybody_joined(api: Api, name: str, password: str) -> None:
    assert not User.objects.exists()
    assert api.sign_in(name, password.format(name=name)).code == "INVALID_CREDENTIALS"


def test_s32_every_sign_in_is_another_session(api: Api) -> None:
    members = [api.join("alice"), api.signed_in("alice"), api.signed_in("alice")]
    claims = [decoded(member.token) for member in members]
    for name in ("sid", "jti"):
        assert len({each[name] for each in claims}) == 3
    assert len({member.token for member in members} | {member.refresh_token for member in members}) == 6
    assert len({each["sub"] for each in claims}) == 1


# --- what a token says ---------------------------------------------------------------------------


def test_s37_an_access_token_lasts_five_minutes(api: Api) -> None:
    alice = api.join("alice")
    for token in (alice.token, api.refresh(alice.refresh_token).data["refreshToken"]["token"]):
        claims = decoded(token)
        assert claims["exp"] - claims["iat"] == 300
        assert abs(claims["iat"] - timezone.now().timestamp()) < 60


def test_s39_s40_a_token_has_the_form_of_rfc_9068_and_says_nothing_personal(api: Api) -> None:
    alice = api.join("alice", fullName="Alice Thornby")
    header, claims = jwt.get_unverified_header(alice.token), decoded(alice.token)
    assert header == {"typ": "at+jwt", "alg": "ES256", "kid": key_ring.get().current.kid}
    assert set(claims) == {"iss", "aud", "sub", "sid", "iat", "exp", "jti", "auth_time", "acr", "amr"}
    assert UUID(claims["sub"]).version == 4
    assert claims["sub"] == str(User.objects.get().id)
    assert claims["auth_time"] == int(Session.objects.get().created_at.timestamp())
    assert "alice" not in str(claims).lower()


def test_s40_the_subject_survives_a_new_name(api: Api) -> None:
    alice = api.join("alice")
    alice('mutation { updateProfile(username: "other") { user { id } } }')
    assert api.signed_in("other").claims["sub"] == alice.claims["sub"]


def test_a_setting_switches_claims_on(api: Api, settings: Any) -> None:
    settings.GATEWAY_TOKEN_CLAIMS = ["username", "email"]
    alice = api.join("alice")
    claims = decoded(alice.token)
    assert (claims["username"], claims["email"]) == ("alice", "alice@example.com")
    assert alice("{ me { username } }").data == {"me": {"username": "alice"}}


@pytest.mark.parametrize("is_verified", [False, True])
def test_an_email_claim_comes_with_whether_the_address_is_verified(api: Api, settings: Any, is_verified: bool) -> None:
    settings.GATEWAY_TOKEN_CLAIMS = ["email"]
    alice = api.join("alice")
    User.objects.update(is_email_verified=is_verified)
    pair = api.refresh(alice.refresh_token).data["refreshToken"]
    claims = decoded(pair["token"])
    assert claims["email"] == "alice@example.com"
    assert (claims["email_verified"], claims["is_email_verified"]) == (is_verified, is_verified)
    told = api("mutation { verifyToken { claims { isEmailVerified } } }", token=pair["token"]).data["verifyToken"]
    assert told == {"claims": {"isEmailVerified": is_verified}}


PROFILE = {
    "username": "alice",
    "email": "alice@example.com",
    "full_name": "Alice Thornby",
    "is_email_verified": False,
    "image_url": "https://pictures.example/alice.png",
    "bio": "Down the rabbit hole.",
    "roles": ["editors", "staff"],
}


def test_every_claim_that_is_known_can_be_switched_on_and_roles_cost_one_statement(
    api: Api, settings: Any, statements: Callable[[], Any]
) -> None:
    alice = api.join("alice")
    User.objects.update(**{name: value for name, value in PROFILE.items() if name != "roles"})
    User.objects.get().groups.set([Group.objects.create(name=name) for name in ("staff", "editors")])
    costs = []
    for names in ([], ["username", "bio"], ["roles"], [*PROFILE]):
        settings.GATEWAY_TOKEN_CLAIMS = names
        with statements() as seen:
            pair = api.refresh(alice.refresh_token).data["refreshToken"]
        costs.append(len(seen))
        alice.refresh_token = pair["refreshToken"]
        assert {name: decoded(pair["token"]).get(name) for name in names} == {name: PROFILE[name] for name in names}
    assert costs == [2, 2, 3, 3]
    document = "mutation { verifyToken { claims { %s } } }"
    told = api(document % " ".join(map(to_camel_case, PROFILE)), token=pair["token"]).data["verifyToken"]["claims"]
    assert told == {to_camel_case(name): value for name, value in PROFILE.items()}
    with statements() as seen:
        assert "errors" not in api.me(pair["token"]).json
    assert len(seen) == 1


def test_the_longest_profile_still_makes_a_token_that_is_taken(api: Api, settings: Any) -> None:
    settings.GATEWAY_TOKEN_CLAIMS = ["username", "email", "full_name", "image_url", "bio"]
    alice = api.join("alice")
    User.objects.update(bio="\U0001f407" * 2_000, full_name="\U0001f407" * 150, image_url=f"https://a/{'a' * 490}")
    token = api.refresh(alice.refresh_token).data["refreshToken"]["token"]
    assert "errors" not in api.me(token).json


def test_each_generation_has_a_token_id_and_the_first_sign_in_stays_its_moment(api: Api) -> None:
    alice = api.join("alice")
    age(Session.objects, timedelta(minutes=1), "created_at", "rotated_at")
    later = decoded(api.refresh(alice.refresh_token).data["refreshToken"]["token"])
    first = decoded(alice.token)
    assert later["jti"] != first["jti"]
    assert later["sid"] == first["sid"]
    assert later["auth_time"] <= later["iat"] - 60


def test_a_change_of_the_claims_of_one_request_changes_no_other(api: Api, settings: Any) -> None:
    settings.GATEWAY_TOKEN_CLAIMS = ["roles"]
    alice = api.join("alice")
    User.objects.get().groups.add(Group.objects.create(name="editors"))
    token = api.refresh(alice.refresh_token).data["refreshToken"]["token"]
    caller = access_tokens.signed_in(Caller(token=token))
    caller.claims["sub"] = "another"
    caller.claims["roles"].append("admins")
    other = access_tokens.signed_in(Caller(token=token))
    assert (other.claims["sub"], other.claims["roles"]) == (alice.claims["sub"], ["editors"])


# --- being recognised ----------------------------------------------------------------------------


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
    alice = api.join("alice")
    assert "errors" not in api.me(resigned(alice.token)).json
    assert "errors" not in api.me(resigned(alice.token, nbf=1)).json
    forged = resigned(alice.token, **changes)
    answer = api.me(forged)
    assert answer.json["data"] == {"me": None}
    assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", reason)
    assert api(VERIFY, {"token": forged}).code == reason


def test_s41_one_users_token_does_not_open_anothers_session(api: Api) -> None:
    alice, bob = api.join("alice"), api.join("bob")
    assert api.me(resigned(alice.token, sid=bob.claims["sid"])).code == "UNAUTHENTICATED"
    assert api.me(resigned(alice.token, sub=bob.claims["sub"])).code == "UNAUTHENTICATED"


@pytest.mark.parametrize("algorithm", ["none", "HS256", "HS512", "ES256", "EdDSA", "RS256"])
def test_s33_s35_what_another_key_signed_opens_nothing(api: Api, algorithm: str) -> None:
    alice = api.join("alice")
    key = key_ring.get().current
    secret: Any = {"none": "", "HS256": str(key.jwk()).encode(), "HS512": str(key.jwk()).encode()}.get(algorithm)
    if secret is None:
        secret = crypto_keys.load(crypto_keys.generate(algorithm)).private
    header = {"typ": "at+jwt", "kid": key.kid}
    forged = jwt.encode(decoded(alice.token), secret, algorithm=algorithm, headers=header)
    answer = api.me(forged)
    assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", "TOKEN_INVALID")


def test_s34_a_token_that_was_touched_opens_nothing_though_the_untouched_one_is_remembered(api: Api) -> None:
    alice, bob = api.join("alice"), api.join("bob")
    assert "errors" not in api.me(alice.token).json
    head, payload, signature = alice.token.split(".")
    for touched in (f"{head}.{bob.token.split('.')[1]}.{signature}", f"{head}.{payload}.", alice.token[:-4]):
        assert api.me(touched).code == "UNAUTHENTICATED"


def test_s38_a_remembered_token_expires_all_the_same(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = api.join("alice")
    assert "errors" not in api.me(alice.token).json
    now = timezone.now()
    monkeypatch.setattr(access_tokens.timezone, "now", lambda: now + timedelta(seconds=301))
    answer = api.me(alice.token)
    assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", "TOKEN_EXPIRED")
    assert api(VERIFY, {"token": alice.token}).code == "TOKEN_EXPIRED"


def test_a_key_that_left_the_ring_opens_nothing(api: Api, settings: Any) -> None:
    alice, old = api.join("alice"), settings.GATEWAY_SIGNING_KEYS
    settings.GATEWAY_SIGNING_KEYS = crypto_keys.generate("ES256") + old
    key_ring.clear_cache()
    access_tokens._verified_claims.cache_clear()
    assert "errors" not in api.me(alice.token).json, "it still verifies beside the new one"
    settings.GATEWAY_SIGNING_KEYS = crypto_keys.generate("ES256")
    key_ring.clear_cache()
    access_tokens._verified_claims.cache_clear()
    assert api.me(alice.token).code == "UNAUTHENTICATED"


def test_s42_each_token_has_one_purpose(api: Api) -> None:
    alice = api.join("alice")
    answer = api.me(alice.refresh_token)
    assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", "TOKEN_INVALID")
    assert api.refresh(alice.token).code == "TOKEN_INVALID"
    assert api(VERIFY, {"token": alice.refresh_token}).code == "TOKEN_INVALID"
    api.revoke(alice.token)
    assert "errors" not in alice("{ me { id } }").json


@pytest.mark.parametrize("key", ["token", "access_token", "jwt", "JWT", "authorization"])
def test_s43_a_token_is_looked_for_in_the_header_alone(api: Api, key: str) -> None:
    alice = api.join("alice")
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
    alice = api.join("alice")
    assert api.me(Authorization=f"{scheme} {alice.token}").data["me"]["username"] == "alice"
    assert api.me(Authorization=f" {scheme}   {alice.token} ").data["me"]["username"] == "alice"


@pytest.mark.parametrize("header", [None, "", "Basic YTpi", "Token {0}", "{0}"])
def test_without_a_token_the_reason_says_so(api: Api, header: str | None) -> None:
    alice = api.join("alice")
    answer = api.me(**({} if header is None else {"Authorization": header.format(alice.token)}))
    assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", "TOKEN_MISSING")


# --- verifying -----------------------------------------------------------------------------------


def test_a_token_is_verified_from_the_argument_or_the_header(api: Api) -> None:
    alice, bob = api.join("alice"), api.join("bob")
    told = {"claims": {"sub": alice.claims["sub"], "sid": alice.claims["sid"]}, "user": {"username": "alice"}}
    assert api(VERIFY, {"token": alice.token}).data == {"verifyToken": told}
    assert api(VERIFY, token=alice.token).data == {"verifyToken": told}
    assert bob(VERIFY).data["verifyToken"]["user"] == {"username": "bob"}


@pytest.mark.parametrize("end", ["signed out", "deactivated", "password", "idle", "deleted"])
def test_a_good_signature_is_not_enough_to_verify(api: Api, end: str) -> None:
    alice, other = api.join("alice"), api.signed_in("alice")
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


# --- what it costs -------------------------------------------------------------------------------


def test_recognising_costs_one_statement_and_only_where_somebody_asks(api: Api, statements: Callable[[], Any]) -> None:
    alice = api.join("alice")
    assert count(statements, alice, "{ me { id username email lastLogin } }") == 1
    assert count(statements, alice, "{ a: me { id } b: me { id } c: dashboard { message user { id } } }") == 1
    assert count(statements, alice, "{ __typename errorCodes fieldErrorCodes }") == 0
    assert count(statements, alice, "{ me { sessions { isCurrent } } }") == 2


def test_a_deleted_user_costs_one_statement_for_many_fields(api: Api, statements: Callable[[], Any]) -> None:
    alice = api.join("alice")
    User.objects.all().delete()
    with statements() as seen:
        answer = alice("{ a: me { id } b: me { id } c: dashboard { message } }")
    assert {error["extensions"]["code"] for error in answer.json["errors"]} == {"UNAUTHENTICATED"}
    assert len(seen) == 1


def test_a_token_that_is_refused_for_itself_costs_nothing(api: Api, statements: Callable[[], Any]) -> None:
    alice = api.join("alice")
    expired = resigned(alice.token, exp=1_000_000_000)
    with statements() as seen:
        assert api.me(expired).code == api.me("a.b.c").code == api.me().code == "UNAUTHENTICATED"
    assert seen == []


def test_a_sign_in_costs_few_statements_and_two_for_the_count(api: Api, statements: Callable[[], Any]) -> None:
    api.join("alice")
    api.signed_in("alice")
    with statements() as seen:
        assert "errors" not in api.sign_in("alice").json
    counting = [text for text in seen if "users_attempts" in text]
    assert (len(seen) - len(counting), len(counting)) == (5, 2)


def test_a_sign_in_from_a_new_place_costs_one_more_at_most_for_the_letter(
    api: Api, statements: Callable[[], Any]
) -> None:
    proven()
    api.signed_in("alice")
    Session.objects.update(ip_address="192.0.2.1")
    with statements() as seen:
        assert "errors" not in api.sign_in("alice").json
    counting = [text for text in seen if "users_attempts" in text]
    assert (len(seen) - len(counting), len(counting)) == (6, 2)


@pytest.mark.parametrize("how", ["required", "optional", "off"])
@pytest.mark.parametrize("name", ["alice", "alice@example.com"])
def test_where_addresses_must_be_proven_an_unproven_one_signs_nobody_in(
    api: Api, settings: Any, how: str, name: str
) -> None:
    api.join("alice")
    settings.GATEWAY_EMAIL_VERIFICATION = how
    answer = api.sign_in(name)
    if how != "required":
        assert "errors" not in answer.json
        return
    assert answer.code == ("INVALID_CREDENTIALS" if "@" in name else "EMAIL_NOT_VERIFIED")
    assert api.sign_in(name, "wrong").code == "INVALID_CREDENTIALS"
    assert Session.objects.count() == 1
    assert User.objects.get().last_login is None
    assert "errors" not in verify(last("alice@example.com").token).json
    api.signed_in(name)


def count(statements: Callable[[], Any], member: Member, document: str) -> int:
    with statements() as seen:
        assert "errors" not in member(document).json
    return len(seen)


@pytest.mark.parametrize(("ahead", "taken"), [(20, True), (60, False)])
def test_f22_a_token_of_a_machine_whose_clock_is_a_little_ahead_is_taken(api: Api, ahead: int, taken: bool) -> None:
    alice = api.join("alice")
    claims = alice.claims | {"iss": "http://localhost:8000", "aud": "gateway", "jti": "x", "auth_time": 1}
    token = access_tokens.sign(claims | {"iat": int(time.time()) + ahead, "exp": int(time.time()) + 300})
    assert ("errors" not in api.me(token).json) == taken


@pytest.mark.parametrize("place", ["users.sessions.key_ring.get", "users.sessions.sessions.find"])
def test_f06_a_request_waits_once_for_a_database_that_does_not_answer(
    api: Api, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    alice, asked = api.join(), []

    def hang(**names: Any) -> Any:
        asked.append(place)
        raise OperationalError

    monkeypatch.setattr(place, hang)
    answer = alice("{ a: me { id } b: me { id } c: me { id } }")
    assert [each["extensions"]["code"] for each in answer.json["errors"]] == ["SERVICE_UNAVAILABLE"] * 3
    assert len(asked) == 1
    monkeypatch.undo()
    assert "errors" not in alice("{ a: me { id } }").json
