"""Request ids, allowed hosts, and JSON errors."""

import json
import re
from typing import Any

import pytest
from django.test import Client

from gateway.http.middleware import MAX_HOST_LENGTH
from tests.api import Answer, Api
from tests.gateway.http.test_security_headers import STRICT
from users import log_context

GENERATED = re.compile(r"[0-9a-f]{32}")


@pytest.mark.parametrize(
    "name", ["request-12345", "a1b2c3d4", "x" * 64, "0af7651916cd43dd8448eb211c80319c", "A.b_c-d9"]
)
def test_well_formed_request_id_is_kept(api: Api, name: str) -> None:
    assert api("{ __typename }", X_Request_Id=name).response["X-Request-Id"] == name


@pytest.mark.parametrize(
    "name",
    ["", "short", "x" * 65, "with space", "line\\nbreak", "<script>", "ümlaut-12345", "a/b/c/d/e/f", "request-12345\n"],
)
def test_malformed_request_id_is_replaced(api: Api, name: str) -> None:
    first, second = (api("{ __typename }", X_Request_Id=name).response["X-Request-Id"] for _ in range(2))
    assert GENERATED.fullmatch(first)
    assert first != second


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("GET", "/.well-known/jwks.json", 200), ("PUT", "/graphql", 405)],
)
def test_every_response_has_a_request_id(client: Client, method: str, path: str, status: int) -> None:
    answer = client.generic(method, path)
    assert answer.status_code == status
    assert GENERATED.fullmatch(answer["X-Request-Id"])


@pytest.mark.parametrize("path", ["/graphql", "/", "/.well-known/jwks.json", "/admin/"])
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "evil.example:8000", "a b", "[::", "", "@"])
def test_s77_unknown_host_is_refused_in_json(client: Client, path: str, host: str) -> None:
    answer = Answer(client.post(path, b"{}", content_type="application/json", headers={"Host": host}))
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")
    assert answer.response["Content-Type"] == "application/json; charset=utf-8"
    assert answer.response["Cache-Control"] == "no-store"
    assert answer.response["X-Request-Id"]
    assert "evil" not in answer.response.content.decode()


def test_s77_forwarded_host_is_ignored(client: Client) -> None:
    answer = client.get("/graphql?query={__typename}", headers={"X-Forwarded-Host": "evil.example"})
    assert answer.status_code == 200


def test_allowed_host_is_accepted(client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = [".auth.example"]
    statuses = [
        client.get("/graphql?query={__typename}", headers={"Host": host}).status_code
        for host in ("auth.example", "eu.auth.example:443", "auth.example.evil")
    ]
    assert statuses == [200, 200, 400]


def test_s94_host_longer_than_any_name_is_refused_before_it_is_parsed(client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = [".auth.example", "*"]
    longest = f"{'a' * (MAX_HOST_LENGTH - len('.auth.example'))}.auth.example"
    for host, status in ((longest, 200), (f"a{longest}", 400), ("a." * 30_000, 400)):
        assert client.get("/graphql?query={__typename}", headers={"Host": host}).status_code == status


def test_s77_removed_host_is_refused(client: Client, settings: Any) -> None:
    for allowed, status in (["localhost"], 200), (["auth.example"], 400), (["*"], 200):
        settings.ALLOWED_HOSTS = allowed
        assert client.get("/graphql?query={__typename}", headers={"Host": "localhost"}).status_code == status


@pytest.mark.django_db(transaction=True)
def test_s91_log_lines_of_a_request_have_its_id(api: Api, caplog: Any) -> None:
    api.sign_in("nobody", "wrong", X_Request_Id="request-12345")
    (line,) = (json.loads(record.getMessage()) for record in caplog.records if record.name == "gateway.audit")
    assert (line["event"], line["request"]) == ("sign_in.refused", "request-12345")
    assert not log_context.fields()


# --- 404 and 405 ---------------------------------------------------------------------------------

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
PROGRAMS = ["", "*/*", "application/json", "text/plain", "image/png", "text/css,*/*;q=0.1"]
EMPTY = [
    ("POST", "/readyz", 405),
    ("DELETE", "/healthz", 405),
    ("POST", "/.well-known/jwks.json", 405),
    ("POST", "/account/verify", 405),
    ("PUT", "/account/assets/pages.js", 405),
    ("GET", "/account/assets/none.js", 404),
    ("GET", "/graphql/explorer/none.js", 404),
    ("GET", "/account/nothing", 404),
    ("GET", "/nothing", 404),
]


@pytest.mark.parametrize("accept", PROGRAMS)
@pytest.mark.parametrize(("method", "path", "status"), EMPTY)
def test_error_for_a_program_is_json(client: Client, method: str, path: str, status: int, accept: str) -> None:
    answer = Answer(client.generic(method, path, headers={"Accept": accept}))
    assert (answer.status, answer.response["Content-Type"]) == (status, "application/json; charset=utf-8")
    assert answer.code == ("NOT_FOUND" if status == 404 else "BAD_REQUEST")
    assert answer.response["Cache-Control"] == "no-store"
    assert "Accept" in answer.response["Vary"]


@pytest.mark.parametrize(("method", "path", "status"), EMPTY)
def test_error_for_a_browser_is_a_page(client: Client, settings: Any, method: str, path: str, status: int) -> None:
    settings.GATEWAY_NAME = "Salt & <Pepper>"
    answer = client.generic(method, f"{path}?name=%3Cb%3Es3cr3t", headers={"Accept": BROWSER})
    assert (answer.status_code, answer["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert answer["Content-Security-Policy"] == STRICT
    assert "Accept" in answer["Vary"]
    text = answer.content.decode()
    assert "<h1>" in text
    assert "Salt &amp; &lt;Pepper&gt;" in text
    assert "s3cr3t" not in text
    assert "<script" not in text


def test_csrf_protection_covers_the_admin_and_does_not_hide_other_answers(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post("/readyz").status_code == 405
    assert client.post("/nothing").status_code == 404
    assert client.post("/admin/login/", {"username": "root", "password": "x"}).status_code == 403


@pytest.mark.parametrize("accept", ["", BROWSER])
def test_refused_method_gets_the_allowed_methods(client: Client, accept: str) -> None:
    answer = client.post("/readyz", headers={"Accept": accept})
    assert answer["Allow"] == "GET, HEAD"
    assert b"GET, HEAD" in answer.content


def test_graphql_errors_are_json_for_browsers_too(client: Client) -> None:
    answer = Answer(client.put("/graphql", headers={"Accept": BROWSER}))
    assert (answer.status, answer.code) == (405, "BAD_REQUEST")
