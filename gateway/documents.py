"""Documents: parsed, measured and validated once, then kept, since that costs most of a small request."""

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from django.conf import settings
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    get_operation_ast,
    parse,
    print_ast,
    specified_rules,
    validate,
)

from gateway import limits, roots
from gateway.errors import TooComplex
from users.errors import Refusal

MOST_ERRORS = 10
# Kinds of variables for which a text stands for itself.
TEXTS = {"String", "ID"}


class Refused(Exception):
    """A document that will not be executed, and why."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        self.errors = errors
        super().__init__()


@dataclass(slots=True)
class Document:
    """A valid document, and what has been found out about its operations."""

    node: DocumentNode
    # Whether it may have directives, by which variables may say what is selected.
    is_directed: bool
    known: dict[str | None, "Operation"] = field(default_factory=dict)

    def operation(self, name: str | None) -> "Operation | None":
        """The operation of a name, or the only one; None where the document does not show which."""
        found = self.known.get(name)
        if found is None and (node := get_operation_ast(self.node, name)):
            found = self.known[name] = Operation(
                node,
                fragments=limits.fragments(self.node),
                field=roots.of(self.node, node),
                name=node.name.value if node.name else None,
                texts=_texts(node),
                selected=None if self.is_directed else {},
            )
        return found


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation, what it is about, and what `execution` need not find out again."""

    node: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]
    field: str
    name: str | None
    # The names of its variables, where all of them are texts.
    texts: tuple[str, ...] | None
    # The fields that are selected of each object, where they are the same each time; filled as it is executed.
    selected: dict[Any, Any] | None


class Documents:
    """Valid documents by their text, the least recently used forgotten first; shared by all threads."""

    def __init__(self, *, most: int = 500, most_characters: int = 2_000_000) -> None:
        self.most = most
        self.most_characters = most_characters
        self.characters = 0
        self.kept: OrderedDict[str, Document] = OrderedDict()
        self.lock = Lock()

    def load(self, schema: GraphQLSchema, text: str) -> Document:
        """The document of a text, ready to execute."""
        with self.lock:
            document = self.kept.get(text)
            if document:
                self.kept.move_to_end(text)
                return document
        document = Document(_read(schema, text), is_directed="@" in text)
        self._keep(text, document)
        return document

    def clear(self) -> None:
        """Forget everything."""
        with self.lock:
            self.kept.clear()
            self.characters = 0

    def _keep(self, text: str, document: Document) -> None:
        with self.lock:
            if text not in self.kept:
                self.kept[text] = document
                self.characters += len(text)
            while len(self.kept) > self.most or self.characters > self.most_characters:
                forgotten, _ = self.kept.popitem(last=False)
                self.characters -= len(forgotten)


def _read(schema: GraphQLSchema, text: str) -> DocumentNode:
    try:
        if len(text) > settings.GATEWAY_MAX_DOCUMENT:
            raise TooComplex("characters", settings.GATEWAY_MAX_DOCUMENT, len(text))
        document = parse(text, max_lexical_tokens=settings.GATEWAY_MAX_TOKENS)
        limits.check(document)
        errors = _validate(schema, document)
    except GraphQLSyntaxError as error:
        raise Refused([_too_complex(error) or error]) from None
    except Refusal as refusal:
        raise Refused([_carrying(refusal)]) from None
    except RecursionError:
        raise Refused([_carrying(_too_deep())]) from None
    if errors:
        raise Refused(errors)
    return document


def _texts(operation: OperationDefinitionNode) -> tuple[str, ...] | None:
    given = operation.variable_definitions
    kinds = {print_ast(each.type).rstrip("!") for each in given}
    return tuple(each.variable.name.value for each in given) if kinds <= TEXTS else None


def _validate(schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
    open_schema = settings.GATEWAY_INTROSPECTION
    rules = specified_rules if open_schema else (*specified_rules, NoSchemaIntrospectionCustomRule)
    return validate(schema, document, rules, MOST_ERRORS, hide_suggestions=not open_schema)


def _too_complex(error: GraphQLSyntaxError) -> GraphQLError | None:
    # The parser tells its limits from mere mistakes by their wording alone.
    if "nested too deeply" in error.message:
        return _carrying(_too_deep())
    if "Parsing aborted" in error.message:
        return _carrying(TooComplex("tokens", settings.GATEWAY_MAX_TOKENS, settings.GATEWAY_MAX_TOKENS + 1))
    return None


def _too_deep() -> TooComplex:
    # Deeper than the parser can follow, and so than any depth that could be set.
    return TooComplex("depth", settings.GATEWAY_MAX_DEPTH, settings.GATEWAY_MAX_DEPTH + 1)


def _carrying(refusal: Refusal) -> GraphQLError:
    return GraphQLError(refusal.message, original_error=refusal)
