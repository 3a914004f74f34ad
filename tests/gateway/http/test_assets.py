"""Static files: a fixed list, content types, and caching by version."""

from typing import Any

import pytest
from django.test import Client
from django.urls import path

from gateway.http.assets import Assets

pytestmark = pytest.mark.urls(__name__)
FILES = {"a.js": b"first", "b.css": b"second", "c.svg": b"third", "d.txt": b"fourth"}


def read(name: str) -> bytes:
    try:
        return FILES[name]
    except KeyError:
        raise FileNotFoundError(name) from None


assets = Assets("asset", read)
urlpatterns = [path("files/<str:name>", assets.serve, name="asset")]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.js", "text/javascript; charset=utf-8"),
        ("b.css", "text/css; charset=utf-8"),
        ("c.svg", "image/svg+xml"),
        ("d.txt", "text/plain; charset=utf-8"),
    ],
)
def test_listed_file_is_served_with_its_type_and_cached_permanently(client: Client, name: str, kind: str) -> None:
    answer = client.get(assets.url(name))
    assert (answer.status_code, answer.content) == (200, FILES[name])
    assert answer.headers["Content-Type"] == kind
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["nothing.js", "..%2fsettings.py", "%2e%2e", "a.js%00"])
def test_unlisted_files_are_not_served(client: Client, name: str) -> None:
    assert client.get(f"/files/{name}").status_code == 404


@pytest.mark.parametrize("query", ["", "?v=", "?v=0123456789abcdef"])
def test_url_without_the_current_version_is_revalidated(client: Client, query: str) -> None:
    assert client.get(f"/files/a.js{query}").headers["Cache-Control"] == "no-cache"


def test_cached_file_gets_status_304(client: Client) -> None:
    first = client.get("/files/a.js")
    again = client.get("/files/a.js", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_changed_file_gets_another_url(monkeypatch: pytest.MonkeyPatch) -> None:
    before = assets.url("a.js")
    monkeypatch.setitem(FILES, "a.js", b"changed")
    assert assets.url("a.js") != before


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("POST", 405), ("PUT", 405), ("OPTIONS", 405)])
def test_assets_accept_only_get_and_head(client: Client, method: str, status: int) -> None:
    answer: Any = client.generic(method, "/files/a.js")
    assert answer.status_code == status
