"""Authorization smuggled: several values in one header, under other names, in other shapes."""

import orjson
import pytest
from django.test import Client

from tests.api import Answer, Api

ME = orjson.dumps({"query": "{ me { username } }"})


def ask(**environ: str) -> Answer:
    """A request whose environment is written by hand, as a careless server in front might."""
    return Answer(Client().post("/graphql", ME, content_type="application/json", **environ))


SEVERAL = {
    "joined by a comma": "Bearer {0}, Bearer {1}",
    "joined by a comma alone": "Bearer {0},Bearer {1}",
    "two tokens": "Bearer {0} {1}",
    "two tokens and a comma": "Bearer {0}, {1}",
    "one twice": "Bearer {0}, Bearer {0}",
    "a basic one before": "Basic YTpi, Bearer {0}",
    "a basic one after": "Bearer {0}, Basic YTpi",
    "an empty one before": ", Bearer {0}",
    "an empty one after": "Bearer {0},",
    "a second line": "Bearer {0}\r\nAuthorization: Bearer {1}",
    "a folded line": "Bearer\r\n {0}",
    "a line within": "Bearer {0}\nBearer {1}",
    "a nul within": "Bearer {0}\x00{1}",
    "a tab between": "Bearer\t{0}",
    "a wide space between": "Bearer\u00a0{0}",
    "the scheme twice": "Bearer Bearer {0}",
    "both schemes": "JWT Bearer {0}",
    "quoted": 'Bearer "{0}"',
    "as a parameter": 'Bearer token="{0}"',
    "with a parameter": "Bearer {0}; user=bob",
    "padded": "Bearer {0}=",
    "percent": "Bearer%20{0}",
}


@pytest.mark.parametrize("header", SEVERAL.values(), ids=SEVERAL)
def test_s44_header_with_several_values_authenticates_no_user(api: Api, header: str) -> None:
    alice, bob = api.new_member("alice"), api.new_member("bob")
    answer = ask(HTTP_AUTHORIZATION=header.format(alice.token, bob.token))
    assert (answer.status, answer.code) == (200, "UNAUTHENTICATED")
    assert answer.extensions["reason"] in {"TOKEN_INVALID", "TOKEN_MISSING"}
    assert answer.json["data"] == {"me": None}


@pytest.mark.parametrize(
    "name",
    [
        "HTTP_X_AUTHORIZATION",
        "HTTP_PROXY_AUTHORIZATION",
        "HTTP_X_FORWARDED_AUTHORIZATION",
        "HTTP_AUTHORIZATION_",
        "HTTP__AUTHORIZATION",
        "HTTP_Authorization",
        "http_authorization",
        "REDIRECT_HTTP_AUTHORIZATION",
        "HTTP_X_ACCESS_TOKEN",
        "HTTP_SEC_WEBSOCKET_PROTOCOL",
    ],
)
def test_s43_header_of_another_name_has_no_effect(api: Api, name: str) -> None:
    alice, bob = api.new_member("alice"), api.new_member("bob")
    smuggled = {name: f"Bearer {alice.token}"}
    assert ask(**smuggled).extensions["reason"] == "TOKEN_MISSING"
    assert ask(**smuggled, HTTP_AUTHORIZATION=f"Bearer {bob.token}").data["me"]["username"] == "bob"


@pytest.mark.parametrize(
    "name", ["REMOTE_USER", "HTTP_REMOTE_USER", "HTTP_X_REMOTE_USER", "HTTP_X_USER_ID", "AUTH_TYPE"]
)
def test_username_in_a_header_authenticates_no_user(api: Api, name: str) -> None:
    alice = api.new_member("alice")
    for value in ("alice", alice.claims["sub"]):
        assert ask(**{name: value}).extensions["reason"] == "TOKEN_MISSING"


def test_s30_a_smuggled_header_breaks_no_sign_in(api: Api) -> None:
    alice, bob = api.new_member("alice"), api.new_member("bob")
    for header in SEVERAL.values():
        text = header.format(alice.token, bob.token)
        pair = api.refresh(alice.refresh_token, Authorization=text).data["refreshToken"]
        assert pair["user"]["username"] == "alice"
    assert api.sign_in("bob", Authorization=f"Bearer {alice.token}").data["tokenAuth"]["user"]["username"] == "bob"
