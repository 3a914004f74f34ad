"""Documents: parsed, checked against the limits, validated, and cached, because that is most of a small request's cost.

Refused documents are cached too, so that repeating one costs no parsing. The size of the cache is bounded in bytes.
"""

import sys
from dataclasses import dataclass
from threading import Lock
from typing import Any

from cachetools import LRUCache, cached
from django.conf import settings
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    Source,
    TokenKind,
    parse,
    specified_rules,
    validate,
)

from gateway.graphql import errors, limits, operation_label
from gateway.graphql.errors import TooComplex

MAX_ERRORS = 10
CACHE_BYTES = 20_000_000
# Measured with tracemalloc: a token and its syntax nodes take 325 to 590 bytes, a comment takes 195.
TOKEN_BYTES = 600
COMMENT_BYTES = 200
# An error with its message and locations, and the entry of the cache itself.
ERROR_BYTES = 4_000
ENTRY_BYTES = 2_000


class Refused(Exception):
    """The document cannot be executed; `errors` is what the response shows."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        self.errors = errors
        super().__init__()


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of a valid document."""

    name: str | None
    kind: OperationType
    # The root field, as logs and metrics name it.
    field: str
    costly_fields: int


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document."""

    node: DocumentNode
    operations: tuple[Operation, ...]
    size: int

    def operation(self, name: str | None) -> Operation | None:
        """Return the operation with this name, without a name the only one, or None."""
        if name is None:
            return self.operations[0] if len(self.operations) == 1 else None
        return next((each for each in self.operations if each.name == name), None)


@dataclass(frozen=True, slots=True)
class RefusedDocument:
    """The errors of a document that cannot be executed."""

    errors: list[dict[str, Any]]
    size: int


def load(schema: GraphQLSchema, text: str) -> Document:
    """Return the document, ready to execute, or raise Refused."""
    allowed = settings.GATEWAY_MAX_DOCUMENT
    if len(text) > allowed:
        refusal = TooComplex("characters", allowed, len(text))
        place = GraphQLError(refusal.message, source=Source(text), positions=[allowed], original_error=refusal)
        raise Refused([errors.of_document(place)])
    document = _read(schema, text)
    if isinstance(document, RefusedDocument):
        raise Refused(document.errors)
    return document


def clear_cache() -> None:
    """Forget all documents, for tests that change settings."""
    _read.cache_clear()


def _size(document: Document | RefusedDocument) -> int:
    return document.size


cache: LRUCache[Any, Document | RefusedDocument] = LRUCache(CACHE_BYTES, getsizeof=_size)


@cached(cache, lock=Lock())
def _read(schema: GraphQLSchema, text: str) -> Document | RefusedDocument:
    try:
        document = parse(text, max_lexical_tokens=settings.GATEWAY_MAX_TOKENS)
        size = _unlink(document, text)
        limits.check(document)
        refused = [errors.of_document(error) for error in _validate(schema, document)]
    except GraphQLSyntaxError as error:
        refused = [errors.of_document(_limit_of_parser(error) or error)]
    except TooComplex as refusal:
        refused = [errors.of_document(GraphQLError(refusal.message, refusal.node, original_error=refusal))]
    except GraphQLError as error:
        refused = [errors.of_document(error)]
    except RecursionError:
        refused = [errors.of_document(_too_deep(None))]
    if refused:
        return RefusedDocument(refused, ENTRY_BYTES + sys.getsizeof(text) + ERROR_BYTES * len(refused))
    return Document(document, _operations(document), size)


def _operations(document: DocumentNode) -> tuple[Operation, ...]:
    return tuple(
        Operation(
            name=node.name.value if node.name else None,
            kind=node.operation,
            field=operation_label.of(document, node),
            costly_fields=limits.count_costly(document, node),
        )
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
    )


def _unlink(document: DocumentNode, text: str) -> int:
    """Let the document be freed without the cyclic garbage collector, and return how much memory it takes."""
    # Twice the text: names, strings and comments are copies of its parts.
    size = ENTRY_BYTES + 2 * sys.getsizeof(text)
    token = document.loc.start_token if document.loc else None
    while token:
        # The tokens form a list linked in both directions, and locations need one only.
        token.prev = None
        # The parser keeps comments as well, without counting them.
        size += COMMENT_BYTES if token.kind == TokenKind.COMMENT else TOKEN_BYTES
        token = token.next
    return size


def _validate(schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
    introspection = settings.GATEWAY_INTROSPECTION
    rules = specified_rules if introspection else (*specified_rules, NoSchemaIntrospectionCustomRule)
    return validate(schema, document, rules, MAX_ERRORS, hide_suggestions=not introspection)


def _limit_of_parser(error: GraphQLSyntaxError) -> GraphQLError | None:
    # Only the message tells whether the parser stopped at a limit.
    if "nested too deeply" in error.message:
        return _too_deep(error)
    if "Parsing aborted" in error.message:
        allowed = settings.GATEWAY_MAX_TOKENS
        return _at(error, TooComplex("tokens", allowed, allowed + 1))
    return None


def _too_deep(error: GraphQLError | None) -> GraphQLError:
    # Deeper than the parser can follow, and so deeper than any limit that can be set.
    return _at(error, TooComplex("depth", settings.GATEWAY_MAX_DEPTH, settings.GATEWAY_MAX_DEPTH + 1))


def _at(error: GraphQLError | None, refusal: TooComplex) -> GraphQLError:
    source, positions = (error.source, error.positions) if error else (None, None)
    return GraphQLError(refusal.message, source=source, positions=positions, original_error=refusal)
