"""Persisted queries and trusted documents."""

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
def _empty_cache() -> Iterator[None]:
    yield
    persisted.cache.clear()
    persisted.load_trusted.cache_clear()


def send(api: Api, query: str | None = None, digest: Any = HASH, version: Any = 1) -> Answer:
    extensions = {"persistedQuery": {"version": version, "sha256Hash": digest}, "clientLibrary": {"name": "any"}}
    return api.post(orjson.dumps({"query": query, "extensions": extensions}))


def test_hash_works_after_its_document_was_sent(api: Api) -> None:
    missed = send(api)
    assert missed.code == "PERSISTED_QUERY_NOT_FOUND"
    assert missed.error["message"] == "PersistedQueryNotFound"
    assert "UNAUTHENTICATED" in send(api, QUERY).data["errorCodes"]
    assert "UNAUTHENTICATED" in send(api).data["errorCodes"]


def test_hash_works_by_get(api: Api) -> None:
    send(api, QUERY)
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
def test_wrong_hash_is_refused_and_not_cached(api: Api, query: str, digest: Any, version: Any) -> None:
    answer = send(api, query, digest, version)
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")
    assert not persisted.cache


@pytest.mark.parametrize("query", ["{ nothing }", "{", "{" + "a:me{id}" * 50 + "}"])
def test_only_valid_documents_are_cached(api: Api, query: str) -> None:
    digest = hashlib.sha256(query.encode()).hexdigest()
    assert "errors" in send(api, query, digest).json
    assert send(api, None, digest).code == "PERSISTED_QUERY_NOT_FOUND"


def test_s104_cache_is_bounded_in_bytes(api: Api, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persisted, "ENTRY_BYTES", persisted.cache.maxsize // 3)
    texts = [f"query {name} {{ errorCodes }}" for name in "ABC"]
    hashes = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    for text, digest in zip(texts, hashes, strict=True):
        assert send(api, text, digest).data
        send(api, None, hashes[0])
    assert send(api, None, hashes[0]).data
    assert send(api, None, hashes[1]).code == "PERSISTED_QUERY_NOT_FOUND"
    assert persisted.cache.currsize <= persisted.cache.maxsize


def test_text_larger_than_the_cache_is_executed_and_not_cached(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persisted, "ENTRY_BYTES", persisted.cache.maxsize)
    assert send(api, QUERY).data
    assert not persisted.cache


def test_without_persisted_queries_only_texts_are_accepted(api: Api, settings: Any) -> None:
    settings.GATEWAY_PERSISTED_QUERIES = False
    assert send(api).code == "PERSISTED_QUERY_NOT_SUPPORTED"
    assert send(api, QUERY).data
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
def test_trusted_documents_exclude_all_other_documents(
    api: Api, settings: Any, tmp_path: Path, content: dict[str, Any]
) -> None:
    file = tmp_path / "trusted.json"
    file.write_text(json.dumps(content))
    settings.GATEWAY_TRUSTED_DOCUMENTS = str(file)
    assert send(api).data
    assert api(QUERY).data
    other = "{ __typename }"
    assert api(other).code == "PERSISTED_QUERY_NOT_SUPPORTED"
    assert send(api, other, hashlib.sha256(other.encode()).hexdigest()).code == "PERSISTED_QUERY_NOT_SUPPORTED"
    assert send(api, None, "").code == "PERSISTED_QUERY_NOT_SUPPORTED"
