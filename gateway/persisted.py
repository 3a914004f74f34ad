"""Documents by their hash: kept when a client sends them (Apollo's protocol), or given by the operator alone."""

import hashlib
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import orjson
from django.conf import settings

from gateway.errors import BadRequest
from gateway.pages import documents as pages
from gateway.requests import Parameters
from users.errors import ErrorCode, Refusal


class PersistedQueryNotFound(Refusal):
    """A hash of which no document is kept."""

    code = ErrorCode.PERSISTED_QUERY_NOT_FOUND


class PersistedQueryNotSupported(Refusal):
    """A document that is not among those that this gateway was given, or a hash where none are kept."""

    code = ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED


class Kept:
    """Texts by their hash, the least recently asked for forgotten first; shared by all threads."""

    def __init__(self, *, most: int = 1_000) -> None:
        self.most = most
        self.texts: OrderedDict[str, str] = OrderedDict()
        self.lock = Lock()

    def find(self, digest: str) -> str | None:
        """The text of a hash, where it is still kept."""
        with self.lock:
            if digest in self.texts:
                self.texts.move_to_end(digest)
            return self.texts.get(digest)

    def keep(self, digest: str, text: str) -> None:
        """Keep a text that has proven to be a valid document."""
        with self.lock:
            self.texts[digest] = text
            if len(self.texts) > self.most:
                self.texts.popitem(last=False)


kept = Kept()


def text_of(asked: Parameters) -> str:
    """The document that a request means, by its text or by its hash."""
    digest = _digest(asked)
    if settings.GATEWAY_TRUSTED_DOCUMENTS:
        return _trusted(asked.query, digest)
    if digest is None or (asked.query and not settings.GATEWAY_PERSISTED_QUERIES):
        if not asked.query:
            raise BadRequest("The request has no `query`.")
        return asked.query
    if not settings.GATEWAY_PERSISTED_QUERIES:
        raise PersistedQueryNotSupported("PersistedQueryNotSupported")
    return _sent(asked.query, digest) if asked.query else _kept(digest)


def keep(asked: Parameters) -> None:
    """Remember a document by the hash that came with it; called only once it has proven valid."""
    digest = _digest(asked)
    if digest and asked.query and settings.GATEWAY_PERSISTED_QUERIES and not settings.GATEWAY_TRUSTED_DOCUMENTS:
        kept.keep(digest, asked.query)


@lru_cache(maxsize=1)
def trusted(file: str) -> dict[str, str]:
    """The documents of a file, by their ids and by their own texts: a map, or Apollo's manifest of operations."""
    content: dict[str, Any] = orjson.loads(Path(file).read_bytes())
    if "operations" in content:
        content = {each["id"]: each["body"] for each in content["operations"]}
    return {str(key): str(text) for id, text in content.items() for key in (id, text)}


def _trusted(text: str | None, digest: str | None) -> str:
    if text in pages.TEXTS and digest is None:
        return text
    documents = trusted(settings.GATEWAY_TRUSTED_DOCUMENTS)
    found = documents.get(digest or text or "")
    if found is None:
        raise PersistedQueryNotSupported("PersistedQueryNotSupported")
    return found


def _sent(text: str, digest: str) -> str:
    if hashlib.sha256(text.encode()).hexdigest() != digest:
        raise BadRequest("The hash of the persisted query is not that of its text.")
    return text


def _kept(digest: str) -> str:
    text = kept.find(digest)
    if text is None:
        # To the letter: urql knows a miss by this message alone.
        raise PersistedQueryNotFound("PersistedQueryNotFound")
    return text


def _digest(asked: Parameters) -> str | None:
    persisted = (asked.extensions or {}).get("persistedQuery")
    if persisted is None:
        return None
    digest = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(digest, str) or persisted.get("version") != 1:
        raise BadRequest("`extensions.persistedQuery` must have `version` 1 and a `sha256Hash`.")
    return digest
