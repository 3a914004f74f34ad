"""What a browser gets that opens the endpoint: GraphiQL under a strict policy, or plain words."""

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
    """The directives of the page's Content-Security-Policy."""
    header = client.get("/graphql").headers["Content-Security-Policy"]
    return {words[0]: words[1:] for words in map(str.split, header.split(";"))}


def test_the_page_mounts_graphiql_at_its_own_address(client: Client, filled: Path) -> None:
    answer = client.get("/graphql")
    html = answer.content.decode()
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert '<meta name="graphql-endpoint" content="/graphql">' in html
    assert "is not installed" not in html


def test_everything_the_page_loads_is_served_by_the_gateway_and_kept_for_good(client: Client, filled: Path) -> None:
    addresses = re.findall(r'(?:src|href)="([^"]+)"', client.get("/graphql").content.decode())
    assert len(addresses) == 7
    for address in addresses:
        answer = client.get(address)
        assert address.startswith("/graphql/explorer/")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]


def test_the_policy_allows_this_origin_only_and_no_inline_code(client: Client, filled: Path) -> None:
    directives = policy(client)
    assert directives["default-src"] == ["'none'"]
    assert directives["script-src"] == ["'self'"]
    assert directives["connect-src"] == ["'self'"]
    assert directives["frame-ancestors"] == directives["base-uri"] == directives["form-action"] == ["'none'"]
    assert "unsafe" not in str(directives)


def test_the_nonce_of_the_styles_is_new_each_time_and_is_the_one_in_the_page(client: Client, filled: Path) -> None:
    answer = client.get("/graphql")
    in_page = set(re.findall(r'nonce="([^"]+)"', answer.content.decode()))
    assert len(in_page) == 1
    assert f"'nonce-{in_page.pop()}'" in answer.headers["Content-Security-Policy"]
    assert policy(client)["style-src"] != policy(client)["style-src"]


def test_no_script_or_style_stands_in_the_page_itself(client: Client, filled: Path) -> None:
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
def test_the_page_guards_itself_by_its_headers(client: Client, filled: Path, header: str, value: str) -> None:
    assert client.get("/graphql").headers[header] == value


def test_without_its_files_the_page_says_what_is_missing_and_needs_no_script(client: Client, folder: Path) -> None:
    answer = client.get("/graphql")
    html = answer.content.decode()
    assert answer.status_code == 200
    assert all(name in html for name in vendor.FILES)
    assert "python -m gateway.graphiql.fetch" in html
    assert "curl http://testserver/graphql" in html
    assert "<script" not in html


def test_a_file_that_is_not_the_recorded_one_counts_as_missing(client: Client, filled: Path) -> None:
    (filled / "graphiql.min.js").write_text("something else")
    assert "<li><code>graphiql.min.js</code></li>" in client.get("/graphql").content.decode()


def test_the_page_is_read_and_nothing_else(client: Client, filled: Path) -> None:
    assert client.head("/graphql").status_code == 200
    assert client.post("/graphql").status_code == 405
