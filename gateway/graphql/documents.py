"""Parses, limits and validates documents, and caches the result, because these steps dominate the cost of a request.

The cache includes refused documents, so that repeating one costs no parsing. Its size is bounded in bytes.
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


class DocumentError(Exception):
    """The document cannot be executed. `errors` are the errors of the response."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        self.errors = errors
        super().__init__()


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of a valid document."""

    name: str | None
    kind: OperationType
    # The label of the operation in logs, metrics and traces.
    label: str
    costly_fields: int


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document."""

    node: DocumentNode
    operations: tuple[Operation, ...]
    size: int

    def operation(self, name: str | None) -> Operation | None:
        """Return the operation with this name, without a name the only one. None if there is no such operation."""
        if name is None:
            return self.operations[0] if len(self.operations) == 1 else None
        return next((each for each in self.operations if each.name == name), None)


@dataclass(frozen=True, slots=True)
class InvalidDocument:
    """The errors of a document that cannot be executed."""

    errors: list[dict[str, Any]]
    size: int


def load(schema: GraphQLSchema, text: str) -> Document:
    """Return the document, ready to execute, or raise DocumentError."""
    max_length = settings.GATEWAY_MAX_DOCUMENT
    if len(text) > max_length:
        refusal = TooComplex("characters", max_length, len(text))
        error = GraphQLError(refusal.message, source=Source(text), positions=[max_length], original_error=refusal)
        raise DocumentError([errors.format_document_error(error)])
    document = _load(schema, text)
    if isinstance(document, InvalidDocument):
        raise DocumentError(document.errors)
    return document


def clear_cache() -> None:
    """Empty the cache, for tests that change settings."""
    _load.cache_clear()


def _size(document: Document | InvalidDocument) -> int:
    return document.size


cache: LRUCache[Any, Document | InvalidDocument] = LRUCache(CACHE_BYTES, getsizeof=_size)


@cached(cache, lock=Lock())
def _load(schema: GraphQLSchema, text: str) -> Document | InvalidDocument:
    try:
        document = parse(text, max_lexical_tokens=settings.GATEWAY_MAX_TOKENS)
        size = _remove_cycles(document, text)
        limits.check_limits(document)
        formatted = [errors.format_document_error(error) for error in _validate(schema, document)]
    except GraphQLSyntaxError as error:
        formatted = [errors.format_document_error(_parser_limit(error) or error)]
    except TooComplex as refusal:
        formatted = [errors.format_document_error(GraphQLError(refusal.message, refusal.node, original_error=refusal))]
    except GraphQLError as error:
        formatted = [errors.format_document_error(error)]
    except RecursionError:
        formatted = [errors.format_document_error(_too_deep(None))]
    if formatted:
        return InvalidDocument(formatted, ENTRY_BYTES + sys.getsizeof(text) + ERROR_BYTES * len(formatted))
    return Document(document, _operations(document), size)


def _operations(document: DocumentNode) -> tuple[Operation, ...]:
    return tuple(
        Operation(
            name=node.name.value if node.name else None,
            kind=node.operation,
            label=operation_label.get_label(document, node),
            costly_fields=limits.count_costly(document, node),
        )
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
    )


def _remove_cycles(document: DocumentNode, text: str) -> int:
    """Remove reference cycles, so that memory is freed at once. Return the size of the document in bytes."""
    # Twice the text: names, strings and comments are copies of its parts.
    size = ENTRY_BYTES + 2 * sys.getsizeof(text)
    token = document.loc.start_token if document.loc else None
    while token:
        # The tokens form a doubly linked list. Locations need only one direction.
        token.prev = None
        # The token limit of the parser does not count comments.
        size += COMMENT_BYTES if token.kind == TokenKind.COMMENT else TOKEN_BYTES
        token = token.next
    return size


def _validate(schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
    introspection = settings.GATEWAY_INTROSPECTION
    rules = specified_rules if introspection else (*specified_rules, NoSchemaIntrospectionCustomRule)
    return validate(schema, document, rules, MAX_ERRORS, hide_suggestions=not introspection)


def _parser_limit(error: GraphQLSyntaxError) -> GraphQLError | None:
    # graphql-core reports an exceeded limit in the message only.
    if "nested too deeply" in error.message:
        return _too_deep(error)
    if "Parsing aborted" in error.message:
        max_tokens = settings.GATEWAY_MAX_TOKENS
        return _locate(error, TooComplex("tokens", max_tokens, max_tokens + 1))
    return None


def _too_deep(error: GraphQLError | None) -> GraphQLError:
    # Python's recursion limit is reached, so the document is deeper than any useful limit.
    return _locate(error, TooComplex("depth", settings.GATEWAY_MAX_DEPTH, settings.GATEWAY_MAX_DEPTH + 1))


def _locate(error: GraphQLError | None, refusal: TooComplex) -> GraphQLError:
    source, positions = (error.source, error.positions) if error else (None, None)
    return GraphQLError(refusal.message, source=source, positions=positions, original_error=refusal)
