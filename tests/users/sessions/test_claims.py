"""The claims of access tokens."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from graphene.utils.str_converters import to_camel_case

from tests.api import Api, backdate, decode
from users.caller import Caller
from users.models import Session, User
from users.sessions import access_tokens, key_ring


def test_s37_an_access_token_lasts_five_minutes(api: Api) -> None:
    alice = api.new_member("alice")
    for token in (alice.token, api.refresh(alice.refresh_token).data["refreshToken"]["token"]):
        claims = decode(token)
        assert claims["exp"] - claims["iat"] == 300
        assert abs(claims["iat"] - timezone.now().timestamp()) < 60


def test_s39_s40_a_token_has_the_form_of_rfc_9068_and_says_nothing_personal(api: Api) -> None:
    alice = api.new_member("alice", fullName="Alice Thornby")
    header, claims = jwt.get_unverified_header(alice.token), decode(alice.token)
    assert header == {"typ": "at+jwt", "alg": "ES256", "kid": key_ring.get().current.kid}
    assert set(claims) == {"iss", "aud", "sub", "sid", "iat", "exp", "jti", "auth_time", "acr", "amr"}
    assert UUID(claims["sub"]).version == 4
    assert claims["sub"] == str(User.objects.get().id)
    assert claims["auth_time"] == int(Session.objects.get().created_at.timestamp())
    assert "alice" not in str(claims).lower()


def test_s40_the_subject_survives_a_new_name(api: Api) -> None:
    alice = api.new_member("alice")
    alice('mutation { updateProfile(username: "other") { user { id } } }')
    assert api.sign_in_member("other").claims["sub"] == alice.claims["sub"]


def test_a_setting_switches_claims_on(api: Api, settings: Any) -> None:
    settings.GATEWAY_TOKEN_CLAIMS = ["username", "email"]
    alice = api.new_member("alice")
    claims = decode(alice.token)
    assert (claims["username"], claims["email"]) == ("alice", "alice@example.com")
    assert alice("{ me { username } }").data == {"me": {"username": "alice"}}


@pytest.mark.parametrize("is_verified", [False, True])
def test_an_email_claim_comes_with_whether_the_address_is_verified(api: Api, settings: Any, is_verified: bool) -> None:
    settings.GATEWAY_TOKEN_CLAIMS = ["email"]
    alice = api.new_member("alice")
    User.objects.update(is_email_verified=is_verified)
    pair = api.refresh(alice.refresh_token).data["refreshToken"]
    claims = decode(pair["token"])
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
    alice = api.new_member("alice")
    User.objects.update(**{name: value for name, value in PROFILE.items() if name != "roles"})
    User.objects.get().groups.set([Group.objects.create(name=name) for name in ("staff", "editors")])
    costs = []
    for names in ([], ["username", "bio"], ["roles"], [*PROFILE]):
        settings.GATEWAY_TOKEN_CLAIMS = names
        with statements() as seen:
            pair = api.refresh(alice.refresh_token).data["refreshToken"]
        costs.append(len(seen))
        alice.refresh_token = pair["refreshToken"]
        assert {name: decode(pair["token"]).get(name) for name in names} == {name: PROFILE[name] for name in names}
    assert costs == [2, 2, 3, 3]
    document = "mutation { verifyToken { claims { %s } } }"
    told = api(document % " ".join(map(to_camel_case, PROFILE)), token=pair["token"]).data["verifyToken"]["claims"]
    assert told == {to_camel_case(name): value for name, value in PROFILE.items()}
    with statements() as seen:
        assert "errors" not in api.me(pair["token"]).json
    assert len(seen) == 1


def test_the_longest_profile_still_makes_a_token_that_is_taken(api: Api, settings: Any) -> None:
    settings.GATEWAY_TOKEN_CLAIMS = ["username", "email", "full_name", "image_url", "bio"]
    alice = api.new_member("alice")
    User.objects.update(bio="\U0001f407" * 2_000, full_name="\U0001f407" * 150, image_url=f"https://a/{'a' * 490}")
    token = api.refresh(alice.refresh_token).data["refreshToken"]["token"]
    assert "errors" not in api.me(token).json


def test_each_generation_has_a_token_id_and_the_first_sign_in_stays_its_moment(api: Api) -> None:
    alice = api.new_member("alice")
    backdate(Session.objects, timedelta(minutes=1), "created_at", "rotated_at")
    later = decode(api.refresh(alice.refresh_token).data["refreshToken"]["token"])
    first = decode(alice.token)
    assert later["jti"] != first["jti"]
    assert later["sid"] == first["sid"]
    assert later["auth_time"] <= later["iat"] - 60


def test_a_change_of_the_claims_of_one_request_changes_no_other(api: Api, settings: Any) -> None:
    settings.GATEWAY_TOKEN_CLAIMS = ["roles"]
    alice = api.new_member("alice")
    User.objects.get().groups.add(Group.objects.create(name="editors"))
    token = api.refresh(alice.refresh_token).data["refreshToken"]["token"]
    caller = access_tokens.signed_in(Caller(token=token))
    caller.claims["sub"] = "another"
    caller.claims["roles"].append("admins")
    other = access_tokens.signed_in(Caller(token=token))
    assert (other.claims["sub"], other.claims["roles"]) == (alice.claims["sub"], ["editors"])
