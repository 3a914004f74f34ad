"""Documents by their hash."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.graphql import persisted
from tests.api import Answer, Api

QUERY = "{ errorCodes }"
HASH = hashlib.sha256(QUERY.encode()).hexdigest()


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    yield
    persisted.cache.clear()
    persisted.load_trusted.cache_clear()


def ask(api: Api, query: str | None = None, digest: Any = HASH, version: Any = 1) -> Answer:
    extensions = {"persistedQuery": {"version": version, "sha256Hash": digest}, "clientLibrary": {"name": "any"}}
    return api.post(orjson.dumps({"query": query, "extensions": extensions}))


def test_a_hash_is_answered_once_its_document_was_sent_along(api: Api) -> None:
    missed = ask(api)
    assert missed.code == "PERSISTED_QUERY_NOT_FOUND"
    assert missed.error["message"] == "PersistedQueryNotFound"
    assert "UNAUTHENTICATED" in ask(api, QUERY).data["errorCodes"]
    assert "UNAUTHENTICATED" in ask(api).data["errorCodes"]


def test_a_hash_is_answered_by_get_as_well(api: Api) -> None:
    ask(api, QUERY)
    extensions = json.dumps({"persistedQuery": {"version": 1, "sha256Hash": HASH}})
    answer = Answer(api.client.get("/graphql", {"extensions": extensions}))
    assert "UNAUTHENTICATED" in answer.data["errorCodes"]


@pytest.mark.parametrize(
    ("query", "digest", "version"),
    [
        pytest.param("{ __typename }", HASH, 1, id="of another text"),
        pytest.param(QUERY, HASH.upper(), 1, id="in capitals"),
        pytest.param(QUERY, 7, 1, id="a number"),
        pytest.param(QUERY, HASH, 2, id="another version"),
        pytest.param(QUERY, None, 1, id="none"),
    ],
)
def test_a_hash_that_is_not_of_its_text_is_refused_and_nothing_is_kept(
    api: Api, query: str, digest: Any, version: Any
) -> None:
    answer = ask(api, query, digest, version)
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")
    assert not persisted.cache


@pytest.mark.parametrize("query", ["{ nothing }", "{", "{" + "a:me{id}" * 50 + "}"])
def test_only_valid_documents_are_kept(api: Api, query: str) -> None:
    digest = hashlib.sha256(query.encode()).hexdigest()
    assert "errors" in ask(api, query, digest).json
    assert ask(api, None, digest).code == "PERSISTED_QUERY_NOT_FOUND"


def test_s104_the_cache_is_bounded_in_bytes(api: Api, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persisted, "ENTRY_BYTES", persisted.cache.maxsize // 3)
    texts = [f"query {name} {{ errorCodes }}" for name in "ABC"]
    hashes = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    for text, digest in zip(texts, hashes, strict=True):
        assert ask(api, text, digest).data
        ask(api, None, hashes[0])
    assert ask(api, None, hashes[0]).data
    assert ask(api, None, hashes[1]).code == "PERSISTED_QUERY_NOT_FOUND"
    assert persisted.cache.currsize <= persisted.cache.maxsize


def test_a_text_larger_than_the_cache_is_executed_and_not_cached(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persisted, "ENTRY_BYTES", persisted.cache.maxsize)
    assert ask(api, QUERY).data
    assert not persisted.cache


def test_where_nothing_is_kept_a_hash_is_not_supported_and_a_text_still_is(api: Api, settings: Any) -> None:
    settings.GATEWAY_PERSISTED_QUERIES = False
    assert ask(api).code == "PERSISTED_QUERY_NOT_SUPPORTED"
    assert ask(api, QUERY).data
    assert not persisted.cache


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({HASH: QUERY}, id="a map"),
        pytest.param(
            {"format": "apollo-persisted-query-manifest", "operations": [{"id": HASH, "body": QUERY}]},
            id="a manifest",
        ),
    ],
)
def test_with_a_list_of_trusted_documents_anything_else_is_refused(
    api: Api, settings: Any, tmp_path: Path, content: dict[str, Any]
) -> None:
    file = tmp_path / "trusted.json"
    file.write_text(json.dumps(content))
    settings.GATEWAY_TRUSTED_DOCUMENTS = str(file)
    assert ask(api).data
    assert api(QUERY).data
    other = "{ __typename }"
    assert api(other).code == "PERSISTED_QUERY_NOT_SUPPORTED"
    assert ask(api, other, hashlib.sha256(other.encode()).hexdigest()).code == "PERSISTED_QUERY_NOT_SUPPORTED"
    assert ask(api, None, "").code == "PERSISTED_QUERY_NOT_SUPPORTED"
