"""Documents by their hash: cached when a client sends them (Apollo's protocol), or listed by the operator."""

import hashlib
import sys
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import orjson
from cachetools import LRUCache
from django.conf import settings

from gateway.graphql.errors import BadRequest
from gateway.graphql.request import Parameters
from gateway.pages import documents as pages
from users.errors import ErrorCode, Refusal


class PersistedQueryNotFound(Refusal):
    """No document with this hash is cached."""

    code = ErrorCode.PERSISTED_QUERY_NOT_FOUND


class PersistedQueryNotSupported(Refusal):
    """The document is not in the operator's list, or the gateway does not cache documents by hash."""

    code = ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED


# A key, and the entries of the cache's own dictionaries.
ENTRY_BYTES = 500
cache: LRUCache[str, str] = LRUCache(5_000_000, getsizeof=lambda text: sys.getsizeof(text) + ENTRY_BYTES)
cache_lock = Lock()


def get_text(parameters: Parameters) -> str:
    """Return the text of the document, which a request contains or refers to by its hash."""
    digest = _digest(parameters)
    if settings.GATEWAY_TRUSTED_DOCUMENTS:
        return _trusted_text(parameters.query, digest)
    if digest is None or (parameters.query and not settings.GATEWAY_PERSISTED_QUERIES):
        if not parameters.query:
            raise BadRequest("The request has no `query`.")
        return parameters.query
    if not settings.GATEWAY_PERSISTED_QUERIES:
        raise PersistedQueryNotSupported("PersistedQueryNotSupported")
    return _verify(parameters.query, digest) if parameters.query else _cached(digest)


def cache_text(parameters: Parameters) -> None:
    """Cache the text of a valid document under the hash in its request."""
    digest = _digest(parameters)
    if digest and parameters.query and settings.GATEWAY_PERSISTED_QUERIES and not settings.GATEWAY_TRUSTED_DOCUMENTS:
        # A text may be larger than the whole cache if GATEWAY_MAX_DOCUMENT is.
        with cache_lock, suppress(ValueError):
            cache[digest] = parameters.query


@lru_cache(maxsize=1)
def load_trusted(file: str) -> dict[str, str]:
    """Return the documents of a file (a map, or Apollo's manifest) by their ids and by their texts."""
    content: dict[str, Any] = orjson.loads(Path(file).read_bytes())
    if "operations" in content:
        content = {each["id"]: each["body"] for each in content["operations"]}
    return {str(key): str(text) for id, text in content.items() for key in (id, text)}


def _trusted_text(text: str | None, digest: str | None) -> str:
    if text in pages.TEXTS and digest is None:
        return text
    documents = load_trusted(settings.GATEWAY_TRUSTED_DOCUMENTS)
    trusted = documents.get(digest or text or "")
    if trusted is None:
        raise PersistedQueryNotSupported("PersistedQueryNotSupported")
    return trusted


def _verify(text: str, digest: str) -> str:
    if hashlib.sha256(text.encode()).hexdigest() != digest:
        raise BadRequest("`sha256Hash` is not the SHA-256 of `query`.")
    return text


def _cached(digest: str) -> str:
    with cache_lock:
        text = cache.get(digest)
    if text is None:
        # urql recognizes a miss by this exact message.
        raise PersistedQueryNotFound("PersistedQueryNotFound")
    return text


def _digest(parameters: Parameters) -> str | None:
    persisted = (parameters.extensions or {}).get("persistedQuery")
    if persisted is None:
        return None
    digest = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(digest, str) or persisted.get("version") != 1:
        raise BadRequest("`extensions.persistedQuery` must have `version` 1 and a `sha256Hash`.")
    return digest
