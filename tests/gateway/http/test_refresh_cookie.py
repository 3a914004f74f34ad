"""Cookie mode: the cookies, and protection against cross-site request forgery."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.core import signing
from django.core.checks import run_checks
from django.test import Client

from tests.api import NEW_PASSWORD, PASSWORD, Answer, Api, backdate
from tests.server import ROOT
from users.models import Session, User

APP = "https://app.example"
HOST = "auth.example"
NAME = "__Host-refresh-token"
REFRESH = "mutation { refreshToken { token refreshToken refreshExpiresIn user { username } } }"
REVOKE = "mutation { revokeToken { revoked } }"
SIGN_IN = f'mutation {{ tokenAuth(username: "alice", password: "{PASSWORD}") {{ token refreshToken }} }}'


class Browser(Api):
    """A page of the application in a browser, which sends its origin and stores cookies."""

    def post(self, body: bytes, content_type: str = "application/json", **headers: str) -> Answer:
        return super().post(body, content_type, **{"Host": HOST, "Origin": APP, **headers})

    @property
    def cookie(self) -> str:
        kept = self.client.cookies.get(NAME)
        return kept.value if kept else ""


@pytest.fixture(autouse=True)
def _cookie_mode(settings: Any) -> None:
    settings.GATEWAY_REFRESH_COOKIE = settings.CORS_ALLOW_CREDENTIALS = True
    settings.CORS_ALLOWED_ORIGINS = [APP]
    settings.ALLOWED_HOSTS = [HOST]


@pytest.fixture
def page(db: None) -> Browser:
    return Browser()


def send_with_cookies(page: Browser, body: bytes, content_type: str = "application/json", **headers: str) -> Answer:
    """Send a request with the page's cookies and only these headers."""
    client = Client()
    client.cookies[NAME] = page.cookie
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(client.post("/graphql", body, content_type=content_type, headers={"Host": HOST, **headers}))


def json_body(query: str) -> bytes:
    return orjson.dumps({"query": query})


def database_state() -> tuple[Any, ...]:
    return tuple(Session.objects.values_list("id", "generation", "current", "ended_at").order_by("id"))


# --- cookies -------------------------------------------------------------------------------------


def test_s78_cookie_is_host_only_and_http_only(page: Browser) -> None:
    page.register("alice")
    kept = page.client.cookies[NAME]
    assert (kept["secure"], kept["httponly"], kept["samesite"]) == (True, True, "Strict")
    assert (kept["path"], kept["domain"]) == ("/", "")


@pytest.mark.parametrize("same_site", ["Lax", "Strict", "None"])
def test_s78_same_site_is_a_setting(page: Browser, settings: Any, same_site: str) -> None:
    settings.GATEWAY_COOKIE_SAMESITE = same_site
    page.register("alice")
    assert page.client.cookies[NAME]["samesite"] == same_site


def test_s78_narrower_path_changes_the_prefix(page: Browser, settings: Any) -> None:
    settings.GATEWAY_COOKIE_PATH = "/graphql"
    page.register("alice")
    kept = page.client.cookies["__Secure-refresh-token"]
    assert (kept.key, kept["path"], kept["secure"]) == ("__Secure-refresh-token", "/graphql", True)
    assert page(REFRESH).data


@pytest.mark.parametrize(("scheme", "name"), [("http", "refresh-token"), ("https", NAME)])
def test_s78_only_development_without_tls_has_an_insecure_cookie(
    page: Browser, settings: Any, scheme: str, name: str
) -> None:
    settings.DEBUG = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    page.client.defaults["HTTP_X_FORWARDED_PROTO"] = scheme
    page.register("alice")
    kept = page.client.cookies[name]
    assert (kept.key, bool(kept["secure"]), kept["httponly"]) == (name, scheme == "https", True)
    assert page(REFRESH).data


def test_s78_cookie_expires_with_the_session(page: Browser) -> None:
    until = page.register("alice").data["register"]["refreshExpiresIn"]
    assert abs(page.client.cookies[NAME]["max-age"] - (until - time.time())) < 60
    backdate(Session.objects, timedelta(days=20), "absolute_expires_at")
    until = page(REFRESH).data["refreshToken"]["refreshExpiresIn"]
    assert abs(page.client.cookies[NAME]["max-age"] - (until - time.time())) < 60
    assert page.client.cookies[NAME]["max-age"] < timedelta(days=11).total_seconds()


def test_s79_refresh_token_is_only_in_the_cookie(page: Browser) -> None:
    answers = {
        "register": page.register("alice"),
        "tokenAuth": page(SIGN_IN),
        "refreshToken": page(REFRESH),
    }
    for field, answer in answers.items():
        kept = answer.response.cookies[NAME]
        assert answer.data[field]["refreshToken"] == ""
        assert len(kept.value) == 64
        assert kept.value not in answer.response.content.decode()
        assert answer.data[field]["token"] not in str(answer.response.cookies)


def test_s79_cookies_are_neither_set_nor_read_outside_of_cookie_mode(page: Browser, settings: Any) -> None:
    page.register("alice")
    settings.GATEWAY_REFRESH_COOKIE = False
    assert page(REFRESH).field_errors == {("refreshToken", "REQUIRED")}
    answer = page(SIGN_IN)
    assert len(answer.data["tokenAuth"]["refreshToken"]) == 64
    assert not answer.response.cookies


# --- refresh and sign-out ------------------------------------------------------------------------


def test_s81_cookie_refreshes_and_is_replaced(page: Browser, statements: Callable[[], Any]) -> None:
    page.register("alice")
    first = page.cookie
    with statements() as seen:
        answer = page(REFRESH)
    assert len(seen) == 2, seen
    assert answer.data["refreshToken"]["user"]["username"] == "alice"
    assert page.cookie not in {"", first}
    assert "errors" not in page.me(answer.data["refreshToken"]["token"]).json


def test_s81_cookie_alone_does_not_authenticate(page: Browser) -> None:
    page.register("alice")
    assert page.me().extensions == {"code": "UNAUTHENTICATED", "reason": "TOKEN_MISSING"}
    assert page("mutation { endAllSessions { endedSessions } }").code == "UNAUTHENTICATED"
    assert page("mutation { verifyToken { user { id } } }").code == "UNAUTHENTICATED"
    assert page("{ me { id } refresh: __typename }", Authorization=f"Bearer {page.cookie}").code == "UNAUTHENTICATED"


def test_s81_signing_out_clears_the_cookie_and_ends_the_session(page: Browser) -> None:
    member = page.new_member("alice")
    stolen = page.cookie
    answer = page(REVOKE)
    cleared = answer.response.cookies[NAME]
    assert answer.data["revokeToken"]["revoked"]
    assert (cleared.value, cleared["max-age"], cleared["path"]) == ("", 0, "/")
    assert (cleared["secure"], cleared["httponly"]) == (True, True)
    assert page.me(member.token).code == "UNAUTHENTICATED"
    page.client.cookies[NAME] = stolen
    replay = page(REFRESH)
    assert replay.code == "TOKEN_INVALID"
    assert replay.response.cookies[NAME]["max-age"] == 0


def test_s81_signing_out_twice_is_not_an_error(page: Browser) -> None:
    page.register("alice")
    assert page(REVOKE).data
    page.client.cookies.clear()
    assert page(REVOKE).data


def test_refusal_says_that_the_cookie_is_missing(page: Browser) -> None:
    answer = page(REFRESH)
    assert answer.code == "TOKEN_INVALID"
    assert "cookie is missing" in answer.error["message"]
    assert 'credentials: "include"' in answer.error["message"]


def test_refusal_of_a_cookie_does_not_mention_an_argument(page: Browser) -> None:
    page.register("alice")
    page(REVOKE)
    page.client.cookies[NAME] = "A" * 64
    revoked = page(REFRESH).error["message"]
    page.register("bob")
    backdate(Session.objects, timedelta(days=8), "expires_at")
    expired = page(REFRESH).error["message"]
    for message in (revoked, expired):
        assert "in the cookie" in message
        assert "argument" not in message


def test_used_cookie_gets_the_same_successor_and_later_ends_the_session(page: Browser) -> None:
    page.register("alice")
    spent = page.cookie
    successors = set()
    for _ in range(2):
        page.client.cookies[NAME] = spent
        page(REFRESH)
        successors.add(page.cookie)
    assert len(successors) == 1
    backdate(Session.objects, timedelta(minutes=1), "rotated_at")
    page.client.cookies[NAME] = spent
    answer = page(REFRESH)
    assert answer.code == "TOKEN_REUSED"
    assert answer.response.cookies[NAME]["max-age"] == 0
    assert Session.objects.get().ended_at


def test_expired_session_clears_its_cookie(page: Browser) -> None:
    page.register("alice")
    backdate(Session.objects, timedelta(days=8), "expires_at")
    answer = page(REFRESH)
    assert answer.code == "TOKEN_EXPIRED"
    assert answer.response.cookies[NAME]["max-age"] == 0


@pytest.mark.parametrize("field", ["refreshToken", "revokeToken"])
def test_s79_argument_is_refused_and_an_empty_one_ignored(page: Browser, field: str) -> None:
    page.register("alice")
    before = database_state()
    selected = "revoked" if field == "revokeToken" else "token"
    answer = page(f'mutation {{ {field}(refreshToken: "{page.cookie}") {{ {selected} }} }}')
    assert answer.field_errors == {("refreshToken", "INVALID")}
    assert database_state() == before
    assert page(f'mutation {{ {field}(refreshToken: "") {{ {selected} }} }}').data


@pytest.mark.parametrize(
    ("document", "is_cleared"),
    [
        ("mutation { endAllSessions { endedSessions } }", True),
        ("mutation { endAllSessions(keepCurrent: true) { endedSessions } }", False),
        ('mutation { endSession(id: "<current>") { ended } }', True),
        ('mutation { endSession(id: "<other>") { ended } }', False),
    ],
)
def test_ending_the_current_session_clears_its_cookie(page: Browser, document: str, is_cleared: bool) -> None:
    page.register("alice")
    member = page.sign_in_member("alice")
    other = Session.objects.exclude(id=member.claims["sid"]).get()
    answer = member(document.replace("<current>", member.claims["sid"]).replace("<other>", str(other.id)))
    assert answer.data
    assert (NAME in answer.response.cookies) is is_cleared
    assert ("errors" in page(REFRESH).json) is is_cleared


def test_password_change_keeps_the_cookie_of_the_current_session(page: Browser) -> None:
    member = page.new_member("alice")
    assert page.change_password(member.token).data
    assert page(REFRESH).data


def test_s30_invalid_cookie_does_not_block_a_sign_in(page: Browser) -> None:
    page.register("alice")
    page.client.cookies.clear()
    for rubbish in ("", "x", "A" * 64, "{}", "é" * 40):
        page.client.cookies[NAME] = rubbish
        assert page(SIGN_IN).data
        page.client.cookies[NAME] = rubbish
        assert page(REFRESH).code == "TOKEN_INVALID"


def test_s66_cookie_set_in_a_batch_is_not_read_by_other_operations(page: Browser, settings: Any) -> None:
    settings.GATEWAY_MAX_BATCH = 2
    page.register("alice")
    page.client.cookies.clear()
    answer = page.post(orjson.dumps([{"query": SIGN_IN}, {"query": REFRESH}]))
    signed_in, refreshed = answer.json
    assert signed_in["data"]["tokenAuth"]["token"]
    assert refreshed["errors"][0]["extensions"]["code"] == "TOKEN_INVALID"


def test_batch_with_two_refreshes_sets_one_successor(page: Browser, settings: Any) -> None:
    settings.GATEWAY_MAX_BATCH = 2
    page.register("alice")
    answers = page.post(orjson.dumps([{"query": REFRESH}] * 2)).json
    assert answers[0] == answers[1]
    assert page(REFRESH).data


# --- cross-site request forgery ------------------------------------------------------------------

FORGED = {
    "no origin": {},
    "a foreign origin": {"Origin": "https://evil.example"},
    "a foreign origin that looks alike": {"Origin": "https://app.example.evil.example"},
    "the app over plain http": {"Origin": "http://app.example"},
    "the app at another port": {"Origin": "https://app.example:8443"},
    "a sandboxed frame": {"Origin": "null"},
    "an empty origin": {"Origin": ""},
    "a neighbouring host": {"Origin": "https://blog.auth.example"},
    "another site that hides its origin": {"Sec_Fetch_Site": "cross-site"},
    "a neighbour that hides its origin": {"Sec_Fetch_Site": "same-site"},
    "no origin but a referrer": {"Referer": f"{APP}/"},
    "a foreign origin with a preflight header": {
        "Origin": "https://evil.example",
        "Apollo_Require_Preflight": "true",
        "Sec_Fetch_Site": "cross-site",
    },
}


@pytest.mark.parametrize("document", [REFRESH, REVOKE], ids=["refreshToken", "revokeToken"])
@pytest.mark.parametrize("name", FORGED)
def test_s80_forged_request_is_refused_before_execution(page: Browser, name: str, document: str) -> None:
    page.register("alice")
    before = database_state()
    answer = send_with_cookies(page, json_body(document), **FORGED[name])
    assert answer.code == "FORBIDDEN"
    assert not answer.response.cookies
    assert database_state() == before
    assert page(document).data


@pytest.mark.parametrize("name", FORGED)
def test_refusal_of_an_origin_names_the_setting_that_lists_origins(page: Browser, name: str) -> None:
    page.register("alice")
    assert "CORS_ALLOWED_ORIGINS" in send_with_cookies(page, json_body(REFRESH), **FORGED[name]).error["message"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("origin", [APP, "https://evil.example"])
def test_s80_html_form_is_refused_from_any_origin(page: Browser, kind: str, origin: str) -> None:
    page.register("alice")
    before = database_state()
    answer = send_with_cookies(page, json_body(REVOKE), content_type=kind, Origin=origin)
    assert (answer.status, answer.code) == (415, "BAD_REQUEST")
    assert database_state() == before


def test_s80_get_does_not_use_the_cookie(page: Browser) -> None:
    page.register("alice")
    before = database_state()
    for document in (REFRESH, REVOKE):
        response = page.client.get("/graphql", {"query": document}, headers={"Host": HOST, "Origin": APP})
        assert (response.status_code, database_state()) == (405, before)
        assert not response.cookies


def test_s80_trusted_origin_works_with_any_sec_fetch_site(page: Browser) -> None:
    page.register("alice")
    for site in ("same-origin", "same-site", "cross-site"):
        assert page(REFRESH, Sec_Fetch_Site=site).data


def test_s80_own_origin_is_trusted_with_the_same_scheme_only(page: Browser, settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    page.register("alice")
    assert page(REFRESH, Origin=f"https://{HOST}", X_Forwarded_Proto="https").data
    assert page(REFRESH, Origin=f"http://{HOST}", X_Forwarded_Proto="https").code == "FORBIDDEN"


def test_s80_page_of_another_origin_cannot_sign_in(page: Browser) -> None:
    page.register("alice")
    before = database_state()
    strangers = ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"})
    for headers in strangers:
        answer = send_with_cookies(page, json_body(SIGN_IN), **headers)
        assert answer.code == "FORBIDDEN"
        assert not answer.response.cookies
    register = 'mutation { register(username: "mallory", email: "m@example.com", password: "correct horse") { token } }'
    assert send_with_cookies(page, json_body(register), Origin="https://evil.example").code == "FORBIDDEN"
    assert database_state() == before
    assert User.objects.count() == 1


def test_client_without_an_origin_can_sign_in_and_gets_the_cookie(page: Browser) -> None:
    page.register("alice")
    answer = send_with_cookies(page, json_body(SIGN_IN))
    assert answer.data["tokenAuth"]["refreshToken"] == ""
    assert NAME in answer.response.cookies


def test_page_of_another_origin_can_send_queries(page: Browser) -> None:
    assert send_with_cookies(page, json_body("{ __typename }"), Origin="https://evil.example").data


def test_s76_only_an_allowed_origin_may_send_the_cookie(page: Browser) -> None:
    page.register("alice")
    for origin, told in ((APP, APP), ("https://evil.example", None), ("null", None)):
        preflight = {"Origin": origin, "Access-Control-Request-Method": "POST", "Host": HOST}
        for response in (
            page.client.options("/graphql", headers=preflight),
            page.post(json_body("{ __typename }"), Origin=origin).response,
        ):
            assert response.get("Access-Control-Allow-Origin") == told
            assert response.get("Access-Control-Allow-Credentials") == ("true" if told else None)
            assert "origin" in response["Vary"].lower()


# --- settings ------------------------------------------------------------------------------------


def found(settings: Any, **wrong: Any) -> list[str]:
    for name, value in wrong.items():
        setattr(settings, name, value)
    return sorted(each.id for each in run_checks(tags=["security"]) if each.id.startswith("gateway."))


def test_valid_cookie_mode_passes_the_checks(settings: Any) -> None:
    assert found(settings) == []
    assert found(settings, GATEWAY_COOKIE_SAMESITE="None") == []


def test_e014_cookies_of_other_origins_need_credentials(settings: Any) -> None:
    assert found(settings, CORS_ALLOW_CREDENTIALS=False) == ["gateway.E014"]
    assert found(settings, CORS_ALLOWED_ORIGINS=[]) == []


def test_e015_cookies_need_listed_origins(settings: Any) -> None:
    assert found(settings, CORS_ALLOW_ALL_ORIGINS=True) == ["gateway.E002", "gateway.E015"]


@pytest.mark.parametrize("wrong", [{"DEBUG": True}, {"CORS_ALLOWED_ORIGINS": []}], ids=["no https", "no other site"])
def test_e016_samesite_none_needs_https_and_other_origins(settings: Any, wrong: dict[str, Any]) -> None:
    assert found(settings, GATEWAY_COOKIE_SAMESITE="None", **wrong) == ["gateway.E016"]
    assert found(settings, GATEWAY_COOKIE_SAMESITE="Lax") == []


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("GATEWAY_COOKIE_PATH", "/admin"), ("GATEWAY_COOKIE_SAMESITE", "none"), ("GATEWAY_REFRESH_COOKIE", "perhaps")],
)
def test_invalid_cookie_setting_stops_the_start(name: str, wrong: str) -> None:
    run = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={**os.environ, "GATEWAY_ENV_FILE": os.devnull, name: wrong},
        capture_output=True,
        text=True,
    )
    assert run.returncode != 0
    assert f"{name}='{wrong}': expected" in run.stderr


# --- device cookie -------------------------------------------------------------------------------

DEVICE = "__Host-device"


def guess(password: str = "wrong", device: str = "", address: str = "198.51.100.1") -> Answer:
    """Try to sign in from an address, on a device without a session."""
    browser = Browser()
    if device:
        browser.client.cookies[DEVICE] = device
    return browser.sign_in("alice", password, **{"X-Forwarded-For": address})


@pytest.fixture
def known_device(page: Browser, settings: Any) -> str:
    """The cookie of a device on which the user has signed in."""
    settings.GATEWAY_TRUSTED_PROXIES = 1
    page.register("alice")
    page.sign_in("alice")
    Session.objects.update(ip_address=None)
    return str(page.client.cookies[DEVICE].value)


def test_s29_guesses_do_not_lock_out_a_known_device(known_device: str) -> None:
    for number in range(30):
        guess(address=f"198.51.100.{number}")
    assert guess(PASSWORD, address="203.0.113.1").code == "RATE_LIMITED"
    assert guess(PASSWORD, known_device, "203.0.113.2").data["tokenAuth"]


def test_s29_known_device_shares_one_limit_across_addresses(known_device: str) -> None:
    codes = [guess(device=known_device, address=f"198.51.100.{number}").code for number in range(30)]
    assert codes == ["INVALID_CREDENTIALS"] * 10 + ["RATE_LIMITED"] * 20


@pytest.mark.parametrize("spoil", [lambda value: value[:-1] + "x", lambda value: "rubbish", lambda value: value[::-1]])
def test_s29_forged_device_cookie_is_ignored(known_device: str, spoil: Callable[[str], str]) -> None:
    for number in range(30):
        guess(address=f"198.51.100.{number}")
    assert guess(PASSWORD, spoil(known_device), "203.0.113.3").code == "RATE_LIMITED"


def test_s106_known_device_is_forgotten_after_a_password_change_elsewhere(known_device: str, page: Browser) -> None:
    user = User.objects.get()
    user.set_password(NEW_PASSWORD)
    user.save()
    for number in range(30):
        guess(address=f"198.51.100.{number}")
    assert guess(NEW_PASSWORD, known_device, "203.0.113.2").code == "RATE_LIMITED"


def test_s106_device_that_changes_the_password_stays_known(page: Browser, settings: Any) -> None:
    settings.GATEWAY_TRUSTED_PROXIES = 1
    token = page.register("alice").data["register"]["token"]
    assert "errors" not in page.change_password(token).json
    Session.objects.update(ip_address=None)
    for number in range(30):
        guess(address=f"198.51.100.{number}")
    assert guess(NEW_PASSWORD, page.client.cookies[DEVICE].value, "203.0.113.2").data["tokenAuth"]


def test_s29_device_cookie_has_the_last_users_and_is_http_only(page: Browser) -> None:
    for number in range(7):
        page.register(f"user{number}")
    cookie = page.client.cookies[DEVICE]
    device, *users = signing.loads(cookie.value, salt="gateway.device")
    last = User.objects.order_by("-date_joined").values_list("id", flat=True)[:5]
    assert users == [f"{each}:0" for each in last]
    assert len(device) == 22
    assert (cookie["httponly"], cookie["secure"], cookie["path"]) == (True, True, "/")
