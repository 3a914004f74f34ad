"""The URLs of the landing pages."""

from typing import Any

import pytest
from django.test import Client

from gateway.pages.assets import FILES
from tests.api import Answer
from tests.gateway.http.test_security_headers import STRICT

PATHS = ("/account/verify", "/account/reset", "/account/undo")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("is_on", [True, False])
def test_pages_are_served_with_and_without_graphiql_and_introspection(
    client: Client, settings: Any, path: str, is_on: bool
) -> None:
    settings.GATEWAY_EXPLORER = settings.GATEWAY_INTROSPECTION = settings.GATEWAY_ADMIN = settings.DEBUG = is_on
    answer = client.get(path)
    assert (answer.status_code, answer.headers["Content-Security-Policy"]) == (200, STRICT)
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", [*PATHS, "/account/assets/pages.js"])
@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("POST", 405), ("PUT", 405), ("OPTIONS", 405)])
def test_pages_and_files_accept_only_get_and_head(client: Client, path: str, method: str, status: int) -> None:
    answer: Any = client.generic(method, path)
    assert answer.status_code == status
    assert (answer.content == b"") if method == "HEAD" else answer.json()["errors"]


@pytest.mark.parametrize("path", ["/account", "/account/", "/account/frame", "/account/page.html", "/account/verify/x"])
def test_other_urls_are_not_found_in_json(client: Client, path: str) -> None:
    answer = Answer(client.get(path))
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize("name", ["page.py", "documents.graphql", "verify.html", "html", "..%2furls.py"])
def test_only_listed_files_of_the_folder_are_served(client: Client, name: str) -> None:
    assert client.get(f"/account/assets/{name}").status_code == 404


@pytest.mark.django_db
def test_page_needs_no_sql_statement(client: Client, statements: Any) -> None:
    with statements() as seen:
        for path in PATHS:
            client.get(path)
    assert seen == []
    assert FILES
