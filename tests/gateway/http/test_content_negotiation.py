"""Content negotiation."""

import pytest

from gateway.http.content_negotiation import GRAPHQL, HTML, JSON, negotiate, request_error_status

BOTH = (JSON, GRAPHQL)
APOLLO_4 = "application/graphql-response+json,application/json;q=0.9"
URQL = (
    "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
)
CHROMIUM = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (GRAPHQL, GRAPHQL),
        (JSON.upper(), JSON),
        (f"{JSON}; charset=utf-8", JSON),
        (f"{GRAPHQL}; charset=utf-8", GRAPHQL),
        (f"{GRAPHQL};charset=UTF-8;q=0.5, {JSON};q=0.4", GRAPHQL),
        (f"{GRAPHQL};q=0.5, {JSON}", JSON),
        (f"{GRAPHQL};q=0.5, {JSON};q=0.6", JSON),
        (f"{JSON}, {GRAPHQL}", JSON),
        (f"{GRAPHQL}, {JSON}", GRAPHQL),
        (f"text/plain, {GRAPHQL};q=0.1", GRAPHQL),
        (f"{GRAPHQL}, */*;q=0.1", GRAPHQL),
        (f"{GRAPHQL};q=0, */*;q=0.1", JSON),
        (f" {GRAPHQL} ,", GRAPHQL),
        (f"{GRAPHQL};q=many, {JSON};q=0.1", JSON),
        (f"{JSON}; q*=nowhere''1, {GRAPHQL}", GRAPHQL),
        (APOLLO_4, GRAPHQL),
        (URQL, GRAPHQL),
        (CHROMIUM, JSON),
        (HTML, None),
        ("text/*", None),
        ("application/graphql+json", None),
        (f"{JSON};q=0", None),
        (f"{JSON};q=-1", None),
        (f"{JSON};q=nan", None),
        (f"{JSON};q=", None),
        (f"{JSON}; q*=nowhere''1", None),
        ("*", None),
        (",;,;=,", None),
    ],
)
def test_preferred_media_type_is_chosen(accept: str, chosen: str | None) -> None:
    assert negotiate(accept, BOTH) == chosen


@pytest.mark.parametrize(
    ("accept", "chosen"), [(CHROMIUM, HTML), ("*/*", JSON), (APOLLO_4, GRAPHQL), (URQL, GRAPHQL), ("text/*", HTML)]
)
def test_html_is_chosen_for_browsers_only(accept: str, chosen: str) -> None:
    assert negotiate(accept, (*BOTH, HTML)) == chosen


@pytest.mark.parametrize(("kind", "status"), [(GRAPHQL, 400), (JSON, 200)])
def test_request_error_status_depends_on_the_media_type(kind: str, status: int) -> None:
    assert request_error_status(kind) == status
