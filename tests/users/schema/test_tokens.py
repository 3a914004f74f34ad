"""Signing in, staying signed in and signing out, as a client sees it."""

import time
from typing import Any

import jwt
import pytest

from tests.api import PASSWORD, Api
from users.models import Session, User

PAIR = """token refreshToken refreshExpiresIn payload
    claims { sub sid iss aud iat exp username email } user { id username lastLogin }"""
CLAIMED = "payload claims { sub sid iss aud iat exp username email } user { id username }"
SIGN_IN = "mutation ($u: String!, $p: String!) { tokenAuth(username: $u, password: $p, deviceName: %s) { %s } }"
VERIFY = "mutation ($t: String) { verifyToken(token: $t) { %s } }"
REFRESH = "mutation ($t: String) { refreshToken(refreshToken: $t) { %s } }"


@pytest.mark.parametrize("operation", ["tokenAuth", "refreshToken"])
def test_a_pair_comes_with_its_claims_and_its_user(api: Api, operation: str) -> None:
    api.new_member("alice")
    Session.objects.all().delete()
    grant = api(SIGN_IN % ('"phone"', PAIR), {"u": "alice", "p": PASSWORD}).data["tokenAuth"]
    if operation == "refreshToken":
        grant = api(REFRESH % PAIR, {"t": grant["refreshToken"]}).data["refreshToken"]
    user, session = User.objects.get(), Session.objects.get()
    assert session.device_name == "phone"
    signed = jwt.decode(grant["token"], options={"verify_signature": False})
    assert (signed["sub"], signed["sid"]) == (str(user.id), str(session.id))
    assert grant["claims"] == {
        "username": None,
        "email": None,
        **{name: signed[name] for name in ("sub", "sid", "iss", "aud", "iat", "exp")},
    }
    assert grant["payload"] == signed | {"username": "alice", "origIat": int(session.created_at.timestamp())}
    assert grant["refreshExpiresIn"] == int(session.absolute_expires_at.timestamp())
    assert grant["user"]["id"] == str(user.id)
    assert grant["user"]["lastLogin"] == user.last_login.isoformat()


def test_wrong_credentials_are_no_reason_to_refresh(api: Api) -> None:
    answer = api(SIGN_IN % ("null", PAIR), {"u": "alice", "p": PASSWORD})
    assert answer.json["data"] == {"tokenAuth": None}
    assert answer.extensions == {"code": "INVALID_CREDENTIALS"}
    assert answer.error["message"] == "The username or password is wrong."


@pytest.mark.parametrize("token", ["rubbish", "A" * 64])
def test_a_dead_refresh_token_is_no_reason_to_refresh_again(api: Api, token: str) -> None:
    answer = api(REFRESH % PAIR, {"t": token})
    assert answer.json["data"] == {"refreshToken": None}
    assert answer.extensions == {"code": "TOKEN_INVALID"}


def test_verify_token_tells_what_a_token_says(api: Api, settings: Any) -> None:
    settings.GATEWAY_TOKEN_CLAIMS = ["email"]
    alice = api.new_member("alice")
    signed = jwt.decode(alice.token, options={"verify_signature": False})
    document = VERIFY % CLAIMED
    for answer in (api(document, {"t": alice.token}), api(document, token=alice.token)):
        assert answer.data["verifyToken"] == {
            "payload": signed | {"username": "alice", "origIat": signed["auth_time"]},
            "claims": {
                **{name: signed[name] for name in ("sub", "sid", "iss", "aud", "iat", "exp")},
                "username": None,
                "email": "alice@example.com",
            },
            "user": {"id": alice.claims["sub"], "username": "alice"},
        }
    refused = api(document, {"t": "rubbish"})
    assert (refused.extensions, refused.json["data"]) == ({"code": "TOKEN_INVALID"}, {"verifyToken": None})


def test_revoke_token_says_when(api: Api) -> None:
    alice = api.new_member("alice")
    revoked = api.revoke(alice.refresh_token).data["revokeToken"]["revoked"]
    # One second for all three, but where it turns in between.
    ended = int(Session.objects.get().ended_at.timestamp())
    assert revoked in range(ended, int(time.time()) + 1)
    assert api.revoke(None).field_errors == {("refreshToken", "REQUIRED")}
