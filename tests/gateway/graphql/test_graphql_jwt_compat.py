"""The helpers, decorators and test client of django-graphql-jwt with the gateway's tokens."""

from datetime import timedelta
from typing import Any

import graphene
import graphql_jwt.exceptions
import pytest
from django.test import RequestFactory
from graphql_jwt.decorators import login_required, permission_required, staff_member_required, superuser_required
from graphql_jwt.shortcuts import get_token, get_user_by_token
from graphql_jwt.testcases import JSONWebTokenClient

from gateway.graphql.authentication import JWTMiddleware
from gateway.graphql.view import GatewayView
from gateway.http.request_info import RequestInfo
from tests.api import PASSWORD, Answer, Api, Member
from users.caller import Caller
from users.models import Session, User
from users.sessions import sessions

EXPIRED = timedelta(seconds=-60)


@pytest.fixture
def alice(api: Api) -> Member:
    """A registered user."""
    return api.new_member("alice")


# --- shortcuts -----------------------------------------------------------------------------------


def test_token_of_get_token_authenticates(api: Api, alice: Member) -> None:
    token = get_token(User.objects.get())
    assert api.me(token).data["me"]["username"] == "alice"
    assert get_user_by_token(token) == User.objects.get()
    assert get_user_by_token(alice.token) == User.objects.get()


def test_token_of_get_token_has_a_session_that_can_be_listed_and_ended(api: Api, alice: Member) -> None:
    token = get_token(User.objects.get())
    listed = alice("{ me { sessions { id deviceName } } }").data["me"]["sessions"]
    (made,) = [each for each in listed if each["deviceName"] == "get_token"]
    alice("mutation ($id: ID!) { endSession(id: $id) { ended } }", id=made["id"])
    assert api.me(token).code == "UNAUTHENTICATED"
    assert get_user_by_token(token) is None


def test_get_token_records_the_ip_address_of_the_request(alice: Member, rf: RequestFactory) -> None:
    request: Any = rf.post("/graphql")
    request.gateway = RequestInfo(caller=Caller(ip_address="192.0.2.9", user_agent="a program"))
    get_token(User.objects.get(), request)
    made = Session.objects.get(device_name="get_token")
    assert (made.ip_address, made.user_agent) == ("192.0.2.9", "a program")


@pytest.mark.parametrize("token", ["", "a.b.c", "nonsense"])
def test_invalid_token_raises_the_exception_of_the_library(db: None, token: str) -> None:
    with pytest.raises(graphql_jwt.exceptions.JSONWebTokenError, match="Error decoding signature"):
        get_user_by_token(token)


def test_expired_token_raises_the_exception_of_the_library(alice: Member, settings: Any) -> None:
    settings.GATEWAY_ACCESS_LIFETIME = EXPIRED
    token = get_token(User.objects.get())
    with pytest.raises(graphql_jwt.exceptions.JSONWebTokenExpired):
        get_user_by_token(token)


# --- decorators ----------------------------------------------------------------------------------


class Query(graphene.ObjectType):
    """Fields with the decorators of the library."""

    member = graphene.String()
    staff = graphene.String()
    superuser = graphene.String()
    editor = graphene.String()
    owner = graphene.String(token=graphene.String(required=True))

    @login_required
    def resolve_member(root, info):
        return info.context.user.username

    @staff_member_required
    def resolve_staff(root, info):
        return info.context.user.username

    @superuser_required
    def resolve_superuser(root, info):
        return info.context.user.username

    @permission_required("users.change_user")
    def resolve_editor(root, info):
        return info.context.user.username

    def resolve_owner(root, info, token):
        return get_user_by_token(token).username


VIEW = JWTMiddleware(GatewayView.as_view(schema=graphene.Schema(query=Query)))
GUARDED = ["member", "staff", "superuser", "editor"]


def ask(query: str, token: str | None = None) -> Answer:
    headers = {} if token is None else {"Authorization": f"JWT {token}"}
    return Answer(VIEW(RequestFactory().get("/graphql", {"query": query}, headers=headers)))


@pytest.mark.parametrize("field", GUARDED)
def test_guarded_field_is_refused_without_a_token(db: None, settings: Any, field: str) -> None:
    assert ask(f"{{ {field} }}").extensions == {"code": "UNAUTHENTICATED", "reason": "TOKEN_MISSING"}
    assert ask(f"{{ {field} }}", "nonsense").extensions == {"code": "UNAUTHENTICATED", "reason": "TOKEN_INVALID"}


@pytest.mark.parametrize("field", GUARDED)
def test_guarded_field_reports_an_expired_token(alice: Member, settings: Any, field: str) -> None:
    settings.GATEWAY_ACCESS_LIFETIME = EXPIRED
    token = get_token(User.objects.get())
    assert ask(f"{{ {field} }}", token).extensions == {"code": "UNAUTHENTICATED", "reason": "TOKEN_EXPIRED"}


def test_login_required_allows_a_signed_in_user(alice: Member) -> None:
    assert ask("{ member }", alice.token).data == {"member": "alice"}


@pytest.mark.parametrize("field", GUARDED[1:])
def test_missing_permission_of_a_signed_in_user_is_forbidden(alice: Member, field: str) -> None:
    assert ask(f"{{ {field} }}", alice.token).extensions == {"code": "FORBIDDEN"}
    User.objects.update(is_staff=True, is_superuser=True)
    assert ask(f"{{ {field} }}", alice.token).data == {field: "alice"}


@pytest.mark.parametrize(("lifetime", "code"), [(EXPIRED, "TOKEN_EXPIRED"), (None, "TOKEN_INVALID")])
def test_exceptions_of_the_library_become_token_error_codes(
    alice: Member, settings: Any, lifetime: timedelta | None, code: str
) -> None:
    token = "nonsense"
    if lifetime:
        settings.GATEWAY_ACCESS_LIFETIME = lifetime
        token = get_token(User.objects.get())
    assert ask(f'{{ owner(token: "{token}") }}').extensions == {"code": code}


# --- the test client -----------------------------------------------------------------------------


def test_test_client_of_the_library_signs_in_and_out(alice: Member) -> None:
    client = JSONWebTokenClient()
    client.authenticate(User.objects.get())
    assert client.execute("{ me { username } }").data == {"me": {"username": "alice"}}
    variables = {"text": "hello"}
    posted = client.execute("mutation ($text: String!) { dashboard(text: $text) { message } }", variables)
    assert posted.data == {"dashboard": {"message": "Hey alice, your text is hello"}}
    client.logout()
    assert client.execute("{ me { username } }").data == {"me": None}


def test_test_client_of_the_library_is_refused_after_the_session_has_ended(alice: Member) -> None:
    client = JSONWebTokenClient()
    client.authenticate(User.objects.get())
    made = Session.objects.select_related("user").get(device_name="get_token")
    sessions._end(Caller(), made.user, [made.id], reason="ended by a test")
    assert client.execute("{ me { username } }").data == {"me": None}


def test_middleware_of_the_library_does_not_authenticate(alice: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    def authenticate(**arguments: Any) -> Any:
        raise AssertionError(arguments)

    monkeypatch.setattr("graphql_jwt.middleware.authenticate", authenticate)
    client = JSONWebTokenClient()
    client.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    result = client.execute(TOKEN_AUTH, {"username": "alice", "password": PASSWORD})
    assert result.errors is None
    assert result.data["tokenAuth"]["token"]


# --- documents of the library --------------------------------------------------------------------

TOKEN_AUTH = """
mutation TokenAuth($username: String!, $password: String!) {
  tokenAuth(username: $username, password: $password) {
    token
    payload
    refreshToken
    refreshExpiresIn
  }
}"""
VERIFY_TOKEN = """
mutation VerifyToken($token: String!) {
  verifyToken(token: $token) {
    payload
  }
}"""
REFRESH_TOKEN = """
mutation RefreshToken($refreshToken: String!) {
  refreshToken(refreshToken: $refreshToken) {
    token
    payload
    refreshToken
    refreshExpiresIn
  }
}"""
REVOKE_TOKEN = """
mutation RevokeToken($refreshToken: String!) {
  revokeToken(refreshToken: $refreshToken) {
    revoked
  }
}"""


def test_client_written_for_the_library_works_unchanged(api: Api, alice: Member) -> None:
    signed_in = api(TOKEN_AUTH, {"username": "alice", "password": PASSWORD}).data["tokenAuth"]
    payload = signed_in["payload"]
    assert payload["username"] == "alice"
    assert payload["origIat"] <= payload["exp"] <= signed_in["refreshExpiresIn"]

    verified = api(VERIFY_TOKEN, {"token": signed_in["token"]}).data["verifyToken"]
    assert verified == {"payload": payload}

    refreshed = api(REFRESH_TOKEN, {"refreshToken": signed_in["refreshToken"]}).data["refreshToken"]
    assert refreshed["refreshToken"] != signed_in["refreshToken"]
    assert refreshed["refreshExpiresIn"] == signed_in["refreshExpiresIn"]
    assert refreshed["payload"]["origIat"] == payload["origIat"]
    assert api.me(Authorization=f"JWT {refreshed['token']}").data["me"]["username"] == "alice"

    revoked = api(REVOKE_TOKEN, {"refreshToken": refreshed["refreshToken"]}).data["revokeToken"]["revoked"]
    assert payload["origIat"] <= revoked
    assert api(REFRESH_TOKEN, {"refreshToken": refreshed["refreshToken"]}).code == "TOKEN_INVALID"
    assert api.me(refreshed["token"]).code == "UNAUTHENTICATED"
