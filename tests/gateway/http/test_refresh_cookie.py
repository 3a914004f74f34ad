"""Cookie mode: what the browser keeps, who may use it, and that no other site can."""

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

from tests.api import NEW_PASSWORD, PASSWORD, Answer, Api, age
from tests.server import ROOT
from users.models import Session, User

APP = "https://app.example"
HOST = "auth.example"
NAME = "__Host-refresh-token"
REFRESH = "mutation { refreshToken { token refreshToken refreshExpiresIn user { username } } }"
REVOKE = "mutation { revokeToken { revoked } }"
SIGN_IN = f'mutation {{ tokenAuth(username: "alice", password: "{PASSWORD}") {{ token refreshToken }} }}'


class Browser(Api):
    """A page of the application: says its origin, as browsers do, and keeps cookies."""

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


def ride(page: Browser, body: bytes, content_type: str = "application/json", **headers: str) -> Answer:
    """A request that brings the page's cookie, and no header but these."""
    client = Client()
    client.cookies[NAME] = page.cookie
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(client.post("/graphql", body, content_type=content_type, headers={"Host": HOST, **headers}))


def asking(query: str) -> bytes:
    return orjson.dumps({"query": query})


def untouched() -> tuple[Any, ...]:
    return tuple(Session.objects.values_list("id", "generation", "current", "ended_at").order_by("id"))


# --- what is kept --------------------------------------------------------------------------------


def test_s78_the_cookie_is_one_host_s_alone_and_no_script_s(page: Browser) -> None:
    page.register("alice")
    kept = page.client.cookies[NAME]
    assert (kept["secure"], kept["httponly"], kept["samesite"]) == (True, True, "Strict")
    assert (kept["path"], kept["domain"]) == ("/", "")


@pytest.mark.parametrize("same_site", ["Lax", "Strict", "None"])
def test_s78_same_site_is_a_setting(page: Browser, settings: Any, same_site: str) -> None:
    settings.GATEWAY_COOKIE_SAMESITE = same_site
    page.register("alice")
    assert page.client.cookies[NAME]["samesite"] == same_site


def test_s78_a_narrower_path_costs_the_stronger_prefix(page: Browser, settings: Any) -> None:
    settings.GATEWAY_COOKIE_PATH = "/graphql"
    page.register("alice")
    kept = page.client.cookies["__Secure-refresh-token"]
    assert (kept.key, kept["path"], kept["secure"]) == ("__Secure-refresh-token", "/graphql", True)
    assert page(REFRESH).data


@pytest.mark.parametrize(("scheme", "name"), [("http", "refresh-token"), ("https", NAME)])
def test_s78_only_development_without_tls_has_a_plain_cookie(
    page: Browser, settings: Any, scheme: str, name: str
) -> None:
    settings.DEBUG = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    page.client.defaults["HTTP_X_FORWARDED_PROTO"] = scheme
    page.register("alice")
    kept = page.client.cookies[name]
    assert (kept.key, bool(kept["secure"]), kept["httponly"]) == (name, scheme == "https", True)
    assert page(REFRESH).data


def test_s78_the_cookie_lives_as_long_as_the_session_may(page: Browser) -> None:
    until = page.register("alice").data["register"]["refreshExpiresIn"]
    assert abs(page.client.cookies[NAME]["max-age"] - (until - time.time())) < 5
    age(Session.objects, timedelta(days=20), "absolute_expires_at")
    until = page(REFRESH).data["refreshToken"]["refreshExpiresIn"]
    assert abs(page.client.cookies[NAME]["max-age"] - (until - time.time())) < 5
    assert page.client.cookies[NAME]["max-age"] < timedelta(days=11).total_seconds()


def test_s79_no_body_holds_the_refresh_token_and_no_cookie_the_access_token(page: Browser) -> None:
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


def test_s79_outside_of_cookie_mode_nothing_is_set_and_nothing_read(page: Browser, settings: Any) -> None:
    page.register("alice")
    settings.GATEWAY_REFRESH_COOKIE = False
    assert page(REFRESH).field_errors == {("refreshToken", "REQUIRED")}
    answer = page(SIGN_IN)
    assert len(answer.data["tokenAuth"]["refreshToken"]) == 64
    assert not answer.response.cookies


# --- what the cookie is good for -----------------------------------------------------------------


def test_s81_the_cookie_refreshes_and_is_replaced(page: Browser, statements: Callable[[], Any]) -> None:
    page.register("alice")
    first = page.cookie
    with statements() as seen:
        answer = page(REFRESH)
    assert len(seen) == 2, seen
    assert answer.data["refreshToken"]["user"]["username"] == "alice"
    assert page.cookie not in {"", first}
    assert "errors" not in page.me(answer.data["refreshToken"]["token"]).json


def test_s81_the_cookie_alone_is_nobody(page: Browser) -> None:
    page.register("alice")
    assert page.me().extensions == {"code": "UNAUTHENTICATED", "reason": "TOKEN_MISSING"}
    assert page("mutation { endAllSessions { endedSessions } }").code == "UNAUTHENTICATED"
    assert page("mutation { verifyToken { user { id } } }").code == "UNAUTHENTICATED"
    assert page("{ me { id } refresh: __typename }", Authorization=f"Bearer {page.cookie}").code == "UNAUTHENTICATED"


def test_s81_signing_out_clears_the_cookie_and_ends_the_session(page: Browser) -> None:
    member = page.join("alice")
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


def test_s81_signing_out_twice_is_no_error(page: Browser) -> None:
    page.register("alice")
    assert page(REVOKE).data
    page.client.cookies.clear()
    assert page(REVOKE).data


def test_without_a_cookie_the_refusal_says_that_it_is_missing(page: Browser) -> None:
    answer = page(REFRESH)
    assert answer.code == "TOKEN_INVALID"
    assert "cookie is missing" in answer.error["message"]
    assert 'credentials: "include"' in answer.error["message"]


def test_a_refusal_of_a_cookie_speaks_of_no_argument(page: Browser) -> None:
    page.register("alice")
    page(REVOKE)
    page.client.cookies[NAME] = "A" * 64
    revoked = page(REFRESH).error["message"]
    page.register("bob")
    age(Session.objects, timedelta(days=8), "expires_at")
    expired = page(REFRESH).error["message"]
    for message in (revoked, expired):
        assert "in the cookie" in message
        assert "argument" not in message


def test_a_spent_cookie_gets_the_same_successor_and_later_ends_the_session(page: Browser) -> None:
    page.register("alice")
    spent = page.cookie
    successors = set()
    for _ in range(2):
        page.client.cookies[NAME] = spent
        page(REFRESH)
        successors.add(page.cookie)
    assert len(successors) == 1
    age(Session.objects, timedelta(minutes=1), "rotated_at")
    page.client.cookies[NAME] = spent
    answer = page(REFRESH)
    assert answer.code == "TOKEN_REUSED"
    assert answer.response.cookies[NAME]["max-age"] == 0
    assert Session.objects.get().ended_at


def test_an_expired_session_takes_its_cookie_along(page: Browser) -> None:
    page.register("alice")
    age(Session.objects, timedelta(days=8), "expires_at")
    answer = page(REFRESH)
    assert answer.code == "TOKEN_EXPIRED"
    assert answer.response.cookies[NAME]["max-age"] == 0


@pytest.mark.parametrize("field", ["refreshToken", "revokeToken"])
def test_s79_an_argument_is_refused_and_an_empty_one_is_none(page: Browser, field: str) -> None:
    page.register("alice")
    before = untouched()
    selected = "revoked" if field == "revokeToken" else "token"
    answer = page(f'mutation {{ {field}(refreshToken: "{page.cookie}") {{ {selected} }} }}')
    assert answer.field_errors == {("refreshToken", "INVALID")}
    assert untouched() == before
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
    member = page.signed_in("alice")
    other = Session.objects.exclude(id=member.claims["sid"]).get()
    answer = member(document.replace("<current>", member.claims["sid"]).replace("<other>", str(other.id)))
    assert answer.data
    assert (NAME in answer.response.cookies) is is_cleared
    assert ("errors" in page(REFRESH).json) is is_cleared


def test_a_changed_password_keeps_the_cookie_of_the_session_it_was_changed_in(page: Browser) -> None:
    member = page.join("alice")
    assert page.change_password(member.token).data
    assert page(REFRESH).data


def test_s30_a_broken_cookie_keeps_nobody_from_signing_in(page: Browser) -> None:
    page.register("alice")
    page.client.cookies.clear()
    for rubbish in ("", "x", "A" * 64, "{}", "é" * 40):
        page.client.cookies[NAME] = rubbish
        assert page(SIGN_IN).data
        page.client.cookies[NAME] = rubbish
        assert page(REFRESH).code == "TOKEN_INVALID"


def test_s66_a_cookie_granted_in_a_batch_is_not_yet_there_for_its_neighbours(page: Browser, settings: Any) -> None:
    settings.GATEWAY_MAX_BATCH = 2
    page.register("alice")
    page.client.cookies.clear()
    answer = page.post(orjson.dumps([{"query": SIGN_IN}, {"query": REFRESH}]))
    signed_in, refreshed = answer.json
    assert signed_in["data"]["tokenAuth"]["token"]
    assert refreshed["errors"][0]["extensions"]["code"] == "TOKEN_INVALID"


def test_a_batch_of_two_that_refresh_leaves_the_one_successor(page: Browser, settings: Any) -> None:
    settings.GATEWAY_MAX_BATCH = 2
    page.register("alice")
    answers = page.post(orjson.dumps([{"query": REFRESH}] * 2)).json
    assert answers[0] == answers[1]
    assert page(REFRESH).data


# --- who may not use it --------------------------------------------------------------------------

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
def test_s80_a_forged_request_is_refused_before_anything_is_done(page: Browser, name: str, document: str) -> None:
    page.register("alice")
    before = untouched()
    answer = ride(page, asking(document), **FORGED[name])
    assert answer.code == "FORBIDDEN"
    assert not answer.response.cookies
    assert untouched() == before
    assert page(document).data


@pytest.mark.parametrize("name", FORGED)
def test_the_refusal_of_an_origin_names_the_setting_that_lists_origins(page: Browser, name: str) -> None:
    page.register("alice")
    assert "CORS_ALLOWED_ORIGINS" in ride(page, asking(REFRESH), **FORGED[name]).error["message"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("origin", [APP, "https://evil.example"])
def test_s80_what_a_form_can_send_is_no_request_wherever_it_comes_from(page: Browser, kind: str, origin: str) -> None:
    page.register("alice")
    before = untouched()
    answer = ride(page, asking(REVOKE), content_type=kind, Origin=origin)
    assert (answer.status, answer.code) == (415, "BAD_REQUEST")
    assert untouched() == before


def test_s80_a_get_never_uses_the_cookie(page: Browser) -> None:
    page.register("alice")
    before = untouched()
    for document in (REFRESH, REVOKE):
        response = page.client.get("/graphql", {"query": document}, headers={"Host": HOST, "Origin": APP})
        assert (response.status_code, untouched()) == (405, before)
        assert not response.cookies


def test_s80_the_honest_request_works_whichever_site_the_browser_says_it_is(page: Browser) -> None:
    page.register("alice")
    for site in ("same-origin", "same-site", "cross-site"):
        assert page(REFRESH, Sec_Fetch_Site=site).data


def test_s80_the_gateways_own_pages_are_trusted_at_their_own_scheme_alone(page: Browser, settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    page.register("alice")
    assert page(REFRESH, Origin=f"https://{HOST}", X_Forwarded_Proto="https").data
    assert page(REFRESH, Origin=f"http://{HOST}", X_Forwarded_Proto="https").code == "FORBIDDEN"


def test_s80_a_foreign_page_can_sign_nobody_in(page: Browser) -> None:
    page.register("alice")
    before = untouched()
    strangers = ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"})
    for headers in strangers:
        answer = ride(page, asking(SIGN_IN), **headers)
        assert answer.code == "FORBIDDEN"
        assert not answer.response.cookies
    register = 'mutation { register(username: "mallory", email: "m@example.com", password: "correct horse") { token } }'
    assert ride(page, asking(register), Origin="https://evil.example").code == "FORBIDDEN"
    assert untouched() == before
    assert User.objects.count() == 1


def test_a_program_without_an_origin_may_sign_in_and_is_given_the_cookie(page: Browser) -> None:
    page.register("alice")
    answer = ride(page, asking(SIGN_IN))
    assert answer.data["tokenAuth"]["refreshToken"] == ""
    assert NAME in answer.response.cookies


def test_a_foreign_page_may_still_ask_what_anybody_may(page: Browser) -> None:
    assert ride(page, asking("{ __typename }"), Origin="https://evil.example").data


def test_s76_an_allowed_origin_may_send_its_cookie_and_no_other(page: Browser) -> None:
    page.register("alice")
    for origin, told in ((APP, APP), ("https://evil.example", None), ("null", None)):
        preflight = {"Origin": origin, "Access-Control-Request-Method": "POST", "Host": HOST}
        for response in (
            page.client.options("/graphql", headers=preflight),
            page.post(asking("{ __typename }"), Origin=origin).response,
        ):
            assert response.get("Access-Control-Allow-Origin") == told
            assert response.get("Access-Control-Allow-Credentials") == ("true" if told else None)
            assert "origin" in response["Vary"].lower()


# --- settings ------------------------------------------------------------------------------------


def found(settings: Any, **wrong: Any) -> list[str]:
    for name, value in wrong.items():
        setattr(settings, name, value)
    return sorted(each.id for each in run_checks(tags=["security"]) if each.id.startswith("gateway."))


def test_cookie_mode_as_it_should_be_passes_the_checks(settings: Any) -> None:
    assert found(settings) == []
    assert found(settings, GATEWAY_COOKIE_SAMESITE="None") == []


def test_e014_cookies_need_credentials_where_origins_are_foreign(settings: Any) -> None:
    assert found(settings, CORS_ALLOW_CREDENTIALS=False) == ["gateway.E014"]
    assert found(settings, CORS_ALLOWED_ORIGINS=[]) == []


def test_e015_cookies_are_not_for_every_origin(settings: Any) -> None:
    assert found(settings, CORS_ALLOW_ALL_ORIGINS=True) == ["gateway.E002", "gateway.E015"]


@pytest.mark.parametrize("wrong", [{"DEBUG": True}, {"CORS_ALLOWED_ORIGINS": []}], ids=["no https", "no other site"])
def test_e016_cookies_for_other_sites_need_https_and_such_a_site(settings: Any, wrong: dict[str, Any]) -> None:
    assert found(settings, GATEWAY_COOKIE_SAMESITE="None", **wrong) == ["gateway.E016"]
    assert found(settings, GATEWAY_COOKIE_SAMESITE="Lax") == []


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("GATEWAY_COOKIE_PATH", "/admin"), ("GATEWAY_COOKIE_SAMESITE", "none"), ("GATEWAY_REFRESH_COOKIE", "perhaps")],
)
def test_a_value_that_no_cookie_can_have_stops_the_start(name: str, wrong: str) -> None:
    run = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={**os.environ, "GATEWAY_ENV_FILE": os.devnull, name: wrong},
        capture_output=True,
        text=True,
    )
    assert run.returncode != 0
    assert f"{name}='{wrong}': expected" in run.stderr


# --- the device ----------------------------------------------------------------------------------

DEVICE = "__Host-device"


def guess(password: str = "wrong", device: str = "", address: str = "198.51.100.1") -> Answer:
    """Somebody signs in, from an address, on a device that has no session."""
    browser = Browser()
    if device:
        browser.client.cookies[DEVICE] = device
    return browser.sign_in("alice", password, **{"X-Forwarded-For": address})


@pytest.fixture
def known_device(page: Browser, settings: Any) -> str:
    """A device on which the user has signed in, wherever that was."""
    settings.GATEWAY_TRUSTED_PROXIES = 1
    page.register("alice")
    page.sign_in("alice")
    Session.objects.update(ip_address=None)
    return str(page.client.cookies[DEVICE].value)


def test_s29_strangers_guesses_do_not_shut_out_a_device_that_signed_in_before(known_device: str) -> None:
    for number in range(30):
        guess(address=f"198.51.100.{number}")
    assert guess(PASSWORD, address="203.0.113.1").code == "RATE_LIMITED"
    assert guess(PASSWORD, known_device, "203.0.113.2").data["tokenAuth"]


def test_s29_a_device_gives_no_more_tries_by_being_taken_elsewhere(known_device: str) -> None:
    codes = [guess(device=known_device, address=f"198.51.100.{number}").code for number in range(30)]
    assert codes == ["INVALID_CREDENTIALS"] * 10 + ["RATE_LIMITED"] * 20


@pytest.mark.parametrize("spoil", [lambda value: value[:-1] + "x", lambda value: "rubbish", lambda value: value[::-1]])
def test_s29_a_device_that_nobody_signed_is_none(known_device: str, spoil: Callable[[str], str]) -> None:
    for number in range(30):
        guess(address=f"198.51.100.{number}")
    assert guess(PASSWORD, spoil(known_device), "203.0.113.3").code == "RATE_LIMITED"


def test_s106_a_device_is_known_under_the_password_that_it_signed_in_with_alone(
    known_device: str, page: Browser
) -> None:
    user = User.objects.get()
    user.set_password(NEW_PASSWORD)
    user.save()
    for number in range(30):
        guess(address=f"198.51.100.{number}")
    assert guess(NEW_PASSWORD, known_device, "203.0.113.2").code == "RATE_LIMITED"


def test_s106_the_device_on_which_the_password_is_changed_stays_known(page: Browser, settings: Any) -> None:
    settings.GATEWAY_TRUSTED_PROXIES = 1
    token = page.register("alice").data["register"]["token"]
    assert "errors" not in page.change_password(token).json
    Session.objects.update(ip_address=None)
    for number in range(30):
        guess(address=f"198.51.100.{number}")
    assert guess(NEW_PASSWORD, page.client.cookies[DEVICE].value, "203.0.113.2").data["tokenAuth"]


def test_s29_a_device_knows_its_last_users_and_no_script_reads_it(page: Browser) -> None:
    for number in range(7):
        page.register(f"user{number}")
    cookie = page.client.cookies[DEVICE]
    device, *users = signing.loads(cookie.value, salt="gateway.device")
    last = User.objects.order_by("-date_joined").values_list("id", flat=True)[:5]
    assert users == [f"{each}:0" for each in last]
    assert len(device) == 22
    assert (cookie["httponly"], cookie["secure"], cookie["path"]) == (True, True, "/")
