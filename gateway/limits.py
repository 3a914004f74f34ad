"""What a document may ask for, counted before it is validated, since validation itself can be made dear.

One pass over the document: a fragment is measured once, however often it is spread, so twenty levels of
fragments that double cost twenty measurements and still count a million fields.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
)

from gateway.errors import TooComplex

# The full introspection query of graphql-js counts 15 levels and 181 fields.
INTROSPECTION_DEPTH = 18
INTROSPECTION_FIELDS = 400
# Fields that hash a password, have mail sent to whatever address is asked for, or read all there is: never two in one
# document, whatever the settings say. What takes a mailed token is not among them: it does nothing without one, and
# nothing twice.
COSTLY = frozenset(
    {
        "tokenAuth",
        "register",
        "changePassword",
        "requestPasswordReset",
        "resetPassword",
        "requestEmailVerification",
        "changeEmail",
        "deleteAccount",
        "accountExport",
    }
)


@dataclass(frozen=True, slots=True)
class Size:
    """How much a selection asks for, fragments spread out."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    roots: int = 0
    costly: int = 0
    directives: int = 0
    introspection_depth: int = 0
    introspection_fields: int = 0

    def beside(self, other: "Size") -> "Size":
        """Both, one beside the other."""
        return Size(
            max(self.depth, other.depth),
            self.fields + other.fields,
            self.aliases + other.aliases,
            self.roots + other.roots,
            self.costly + other.costly,
            max(self.directives, other.directives),
            max(self.introspection_depth, other.introspection_depth),
            self.introspection_fields + other.introspection_fields,
        )


NOTHING = Size()


def check(document: DocumentNode) -> None:
    """Refuse a document of which any operation asks for more than a limit allows."""
    ruler = Ruler(fragments(document))
    for operation in document.definitions:
        if isinstance(operation, OperationDefinitionNode):
            _check_operation(operation, ruler)
    for name in ruler.fragments:
        # Validation compares the fields of every fragment, also of one that no operation spreads.
        if name not in ruler.measured:
            _check_fields(ruler.fragment(name))


def count_costly(document: DocumentNode, operation: OperationDefinitionNode) -> int:
    """How many costly fields an operation has."""
    return Ruler(fragments(document)).selections(operation.selection_set).costly


def fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """The fragments of a document by their names."""
    return {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}


def _check_operation(operation: OperationDefinitionNode, ruler: "Ruler") -> None:
    size = ruler.selections(operation.selection_set)
    mutates = operation.operation == OperationType.MUTATION
    roots = settings.GATEWAY_MAX_MUTATIONS if mutates else settings.GATEWAY_MAX_ROOT_FIELDS
    directives = max(size.directives, len(operation.directives))
    for limit, allowed, counted in (
        ("mutations" if mutates else "root fields", roots, size.roots),
        ("costly fields", 1, size.costly),
        ("depth", settings.GATEWAY_MAX_DEPTH, size.depth),
        ("aliases", settings.GATEWAY_MAX_ALIASES, size.aliases),
        ("directives on one node", settings.GATEWAY_MAX_DIRECTIVES, directives),
        ("introspection depth", INTROSPECTION_DEPTH, size.introspection_depth),
    ):
        _hold(limit, allowed, counted)
    _check_fields(size)


def _check_fields(size: Size) -> None:
    _hold("fields", settings.GATEWAY_MAX_FIELDS, size.fields)
    _hold("introspection fields", INTROSPECTION_FIELDS, size.introspection_fields)


def _hold(limit: str, allowed: int, counted: int) -> None:
    if counted > allowed:
        raise TooComplex(limit, allowed, counted)


@dataclass(slots=True)
class Ruler:
    """Measures selections, each fragment once."""

    fragments: dict[str, FragmentDefinitionNode]
    measured: dict[str, Size] = field(default_factory=dict)

    def selections(self, selection_set: SelectionSetNode | None) -> Size:
        """The size of a selection set."""
        return _sum(self._selection(each) for each in selection_set.selections) if selection_set else NOTHING

    def _selection(self, node: SelectionNode) -> Size:
        if isinstance(node, FieldNode):
            size = self._field(node)
        elif isinstance(node, InlineFragmentNode):
            size = self.selections(node.selection_set)
        else:
            assert isinstance(node, FragmentSpreadNode)
            size = self.fragment(node.name.value)
        return size.beside(Size(directives=len(node.directives)))

    def _field(self, node: FieldNode) -> Size:
        inside, name = self.selections(node.selection_set), node.name.value
        aliases = inside.aliases + (node.alias is not None)
        if name in {"__schema", "__type"}:
            return Size(
                aliases=aliases,
                directives=inside.directives,
                introspection_depth=1 + inside.depth,
                introspection_fields=1 + inside.fields,
            )
        return Size(
            depth=1 + inside.depth,
            fields=1 + inside.fields,
            aliases=aliases,
            roots=name != "__typename",
            costly=inside.costly + (name in COSTLY),
            directives=inside.directives,
            introspection_depth=inside.introspection_depth,
            introspection_fields=inside.introspection_fields,
        )

    def fragment(self, name: str) -> Size:
        """The size of a fragment; nothing where there is none of that name."""
        if name not in self.measured:
            # A cycle comes by here while it is being measured; validation refuses it by name.
            self.measured[name] = NOTHING
            fragment = self.fragments.get(name)
            if fragment:
                directives = Size(directives=len(fragment.directives))
                self.measured[name] = self.selections(fragment.selection_set).beside(directives)
        return self.measured[name]


def _sum(sizes: Iterable[Size]) -> Size:
    total = NOTHING
    for size in sizes:
        total = total.beside(size)
    return total
