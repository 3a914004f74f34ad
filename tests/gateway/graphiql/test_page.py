"""The GraphiQL page: its policy, its files, and instructions if files are missing."""

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import include, path

from gateway.graphiql import vendor
from gateway.graphiql.page import page

pytestmark = pytest.mark.urls(__name__)
urlpatterns = [path("graphql", page), path("graphql/explorer/", include("gateway.graphiql.urls"))]


def policy(client: Client) -> dict[str, list[str]]:
    """Return the directives of the page's Content-Security-Policy."""
    header = client.get("/graphql").headers["Content-Security-Policy"]
    return {words[0]: words[1:] for words in map(str.split, header.split(";"))}


def test_page_sends_requests_to_its_own_url(client: Client, filled: Path) -> None:
    answer = client.get("/graphql")
    html = answer.content.decode()
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert '<meta name="graphql-endpoint" content="/graphql">' in html
    assert "is not installed" not in html


def test_page_loads_only_cacheable_files_of_the_gateway(client: Client, filled: Path) -> None:
    addresses = re.findall(r'(?:src|href)="([^"]+)"', client.get("/graphql").content.decode())
    assert len(addresses) == 7
    for address in addresses:
        answer = client.get(address)
        assert address.startswith("/graphql/explorer/")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]


def test_policy_allows_only_this_origin_and_no_inline_code(client: Client, filled: Path) -> None:
    directives = policy(client)
    assert directives["default-src"] == ["'none'"]
    assert directives["script-src"] == ["'self'"]
    assert directives["connect-src"] == ["'self'"]
    assert directives["frame-ancestors"] == directives["base-uri"] == directives["form-action"] == ["'none'"]
    assert "unsafe" not in str(directives)


def test_style_nonce_is_random_and_matches_the_page(client: Client, filled: Path) -> None:
    answer = client.get("/graphql")
    in_page = set(re.findall(r'nonce="([^"]+)"', answer.content.decode()))
    assert len(in_page) == 1
    assert f"'nonce-{in_page.pop()}'" in answer.headers["Content-Security-Policy"]
    assert policy(client)["style-src"] != policy(client)["style-src"]


def test_page_has_no_inline_script_or_style(client: Client, filled: Path) -> None:
    html = client.get("/graphql").content.decode()
    assert not re.search(r"<style|<script(?![^>]* src=)| style=| on\w+=", html)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
    ],
)
def test_page_has_security_headers(client: Client, filled: Path, header: str, value: str) -> None:
    assert client.get("/graphql").headers[header] == value


def test_page_lists_missing_files_without_a_script(client: Client, folder: Path) -> None:
    answer = client.get("/graphql")
    html = answer.content.decode()
    assert answer.status_code == 200
    assert all(name in html for name in vendor.FILES)
    assert "python -m gateway.graphiql.fetch" in html
    assert "curl http://testserver/graphql" in html
    assert "<script" not in html


def test_file_with_another_digest_counts_as_missing(client: Client, filled: Path) -> None:
    (filled / "graphiql.min.js").write_text("something else")
    assert "<li><code>graphiql.min.js</code></li>" in client.get("/graphql").content.decode()


def test_page_accepts_only_get_and_head(client: Client, filled: Path) -> None:
    assert client.head("/graphql").status_code == 200
    assert client.post("/graphql").status_code == 405
