"""The static files of the GraphiQL page: a fixed list, content types, and caching by version."""

from pathlib import Path

import pytest
from django.test import Client
from django.urls import include, path

from gateway.graphiql import vendor
from gateway.graphiql.assets import OWN_FILES, assets
from gateway.http.assets import TYPES

pytestmark = pytest.mark.urls(__name__)
urlpatterns = [path("graphql/explorer/", include("gateway.graphiql.urls"))]


@pytest.mark.parametrize("name", [*OWN_FILES, *vendor.FILES])
def test_listed_file_is_served_with_its_type(client: Client, filled: Path, name: str) -> None:
    answer = client.get(assets.url(name))
    assert answer.status_code == 200
    assert answer.content
    assert answer.headers["Content-Type"] == TYPES[Path(name).suffix]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "name",
    ["page.html", "fetch.py", "vendor", "..%2fsettings.py", "%2e%2e/urls.py", "nothing.js", ".gitignore"],
)
def test_unlisted_files_are_not_served(client: Client, filled: Path, name: str) -> None:
    assert client.get(f"/graphql/explorer/{name}").status_code == 404


def test_listed_file_that_is_missing_is_not_found(client: Client, folder: Path) -> None:
    assert client.get("/graphql/explorer/graphiql.min.js").status_code == 404


def test_url_with_the_version_is_cached_permanently(client: Client) -> None:
    cache = client.get(assets.url("main.js")).headers["Cache-Control"]
    assert cache == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("query", ["", "?v=", "?v=0123456789abcdef"])
def test_url_without_the_current_version_is_revalidated(client: Client, query: str) -> None:
    assert client.get(f"/graphql/explorer/main.js{query}").headers["Cache-Control"] == "no-cache"


def test_cached_file_gets_status_304(client: Client) -> None:
    first = client.get("/graphql/explorer/main.js")
    again = client.get("/graphql/explorer/main.js", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]


def test_changed_file_gets_another_url(filled: Path) -> None:
    before = assets.url("graphiql.min.js")
    (filled / "graphiql.min.js").write_text("changed")
    assert assets.url("graphiql.min.js") != before


def test_assets_accept_only_get_and_head(client: Client) -> None:
    assert client.head("/graphql/explorer/main.js").status_code == 200
    assert client.post("/graphql/explorer/main.js").status_code == 405
