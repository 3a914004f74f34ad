"""Limits on the cost of a document, checked before validation, because validation itself can be expensive.

Each fragment is measured once, however often the document spreads it. Validation compares every two fields with one
response name in a selection set, and every two fragments of a selection set. The constants below bound that work. The
settings `GATEWAY_MAX_…` bound the cost of execution.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
)

from gateway.graphql.errors import TooComplex

MAX_OPERATIONS = 10
MAX_FRAGMENTS = 50
# Counted like fields: a spread inside a fragment counts once for each spread of that fragment.
MAX_SPREADS = 100
# The number of times one field may appear in a selection set, after fragments are expanded.
MAX_REPETITIONS = 20
# The full introspection query of graphql-js has 15 levels and 181 fields.
MAX_INTROSPECTION_DEPTH = 18
MAX_INTROSPECTION_FIELDS = 250
INTROSPECTION = {"__schema", "__type"}
# Fields that check a password or a code, send email to any address, or export all data of an account. A
# document may contain one of them, whatever the settings say. Fields that take a mailed token are not in this list:
# they do nothing without a valid token, and a token works once.
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
        "secondFactorAuth",
        "reauthenticate",
    }
)


@dataclass(slots=True)
class Size:
    """The size of a selection set, with all fragments expanded."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    root_fields: int = 0
    spreads: int = 0
    # The largest number of directives on one node.
    directives: int = 0
    costly: dict[str, int] = field(default_factory=dict)
    introspection_depth: int = 0
    introspection_fields: int = 0

    def add(self, other: "Size") -> None:
        """Add the size of another part of the same selection set."""
        self.depth = max(self.depth, other.depth)
        self.fields += other.fields
        self.aliases += other.aliases
        self.root_fields += other.root_fields
        self.spreads += other.spreads
        self.directives = max(self.directives, other.directives)
        for name, count in other.costly.items():
            self.costly[name] = self.costly.get(name, 0) + count
        self.introspection_depth = max(self.introspection_depth, other.introspection_depth)
        self.introspection_fields += other.introspection_fields


def check_limits(document: DocumentNode) -> None:
    """Raise TooComplex if the document exceeds a limit, GraphQLError if it contains what validation would refuse."""
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    fragments = [each for each in document.definitions if isinstance(each, FragmentDefinitionNode)]
    _check_limit("operations", MAX_OPERATIONS, len(operations), operations[MAX_OPERATIONS:])
    _check_limit("fragments", MAX_FRAGMENTS, len(fragments), fragments[MAX_FRAGMENTS:])
    measurement = Measurement(document)
    total = Size()
    for operation in operations:
        size = measurement.measure_selections(operation.selection_set)
        _check_operation(operation, size)
        _add_size(total, size, operation)
    for fragment in fragments:
        # Validation also compares the fields of a fragment that no operation spreads.
        if fragment.name.value not in measurement.fragment_sizes:
            _add_size(total, measurement.measure_fragment(fragment.name.value), fragment)
    for definition in (*operations, *fragments):
        _check_repetitions([definition.selection_set], measurement.fragments)


def count_costly(document: DocumentNode, operation: OperationDefinitionNode) -> int:
    """Return how many costly fields an operation selects."""
    return sum(Measurement(document).measure_selections(operation.selection_set).costly.values())


def _check_operation(operation: OperationDefinitionNode, size: Size) -> None:
    is_mutation = operation.operation == OperationType.MUTATION
    root_fields = settings.GATEWAY_MAX_MUTATIONS if is_mutation else settings.GATEWAY_MAX_ROOT_FIELDS
    directives = max(size.directives, len(operation.directives))
    _check_limit("mutations" if is_mutation else "root fields", root_fields, size.root_fields, [operation])
    _check_costly(operation, size.costly)
    _check_limit("depth", settings.GATEWAY_MAX_DEPTH, size.depth, [operation])
    _check_limit("aliases", settings.GATEWAY_MAX_ALIASES, size.aliases, [operation])
    _check_limit("directives on one node", settings.GATEWAY_MAX_DIRECTIVES, directives, [operation])
    _check_limit("introspection depth", MAX_INTROSPECTION_DEPTH, size.introspection_depth, [operation])


def _check_costly(operation: OperationDefinitionNode, costly: dict[str, int]) -> None:
    count = sum(costly.values())
    if count <= 1:
        return
    if len(costly) == 1:
        message = f"{next(iter(costly))} appears {min(count, 2**53)} times; it may appear once per document."
    else:
        message = f"The document selects {' and '.join(sorted(costly))}; only one of them may appear, once."
    raise TooComplex("costly fields", 1, count, message, operation)


def _add_size(total: Size, size: Size, definition: Node) -> None:
    total.add(size)
    _check_limit("fields", settings.GATEWAY_MAX_FIELDS, total.fields, [definition])
    _check_limit("introspection fields", MAX_INTROSPECTION_FIELDS, total.introspection_fields, [definition])
    _check_limit("fragment spreads", MAX_SPREADS, total.spreads, [definition])


def _check_limit(limit: str, allowed: int, counted: int, nodes: Iterable[Node]) -> None:
    if counted > allowed:
        raise TooComplex(limit, allowed, counted, node=next(iter(nodes), None))


class Measurement:
    """Measures the selection sets of a document."""

    def __init__(self, document: DocumentNode) -> None:
        definitions = document.definitions
        self.fragments = {each.name.value: each for each in definitions if isinstance(each, FragmentDefinitionNode)}
        self.fragment_sizes: dict[str, Size] = {}
        self.expanding: set[str] = set()

    def measure_selections(self, node: SelectionSetNode | None) -> Size:
        """Return the size of a selection set."""
        total = Size()
        for selection in node.selections if node else ():
            total.add(self._measure_selection(selection))
            total.directives = max(total.directives, len(selection.directives))
        return total

    def measure_fragment(self, name: str) -> Size:
        """Return the size of a fragment, which is zero if the document does not define it."""
        if name not in self.fragment_sizes:
            fragment = self.fragments.get(name)
            if fragment is None:
                return Size()
            if name in self.expanding:
                raise GraphQLError(f"Cannot spread fragment '{name[:100]}' within itself.", fragment)
            self.expanding.add(name)
            size = self.measure_selections(fragment.selection_set)
            size.directives = max(size.directives, len(fragment.directives))
            self.fragment_sizes[name] = size
        return self.fragment_sizes[name]

    def _measure_selection(self, node: SelectionNode) -> Size:
        if isinstance(node, FieldNode):
            return self._measure_field(node)
        if isinstance(node, InlineFragmentNode):
            return self.measure_selections(node.selection_set)
        assert isinstance(node, FragmentSpreadNode)
        size = Size(spreads=1)
        size.add(self.measure_fragment(node.name.value))
        return size

    def _measure_field(self, node: FieldNode) -> Size:
        size, name = self.measure_selections(node.selection_set), node.name.value
        size.aliases += node.alias is not None
        if name in INTROSPECTION:
            if not settings.GATEWAY_INTROSPECTION:
                raise GraphQLError(f"Introspection is disabled, so the document cannot select {name}.", node)
            size.introspection_depth, size.introspection_fields = 1 + size.depth, 1 + size.fields
            size.depth = size.fields = size.root_fields = 0
            return size
        size.depth += 1
        size.fields += 1
        size.root_fields = int(name != "__typename")
        if name in COSTLY:
            size.costly[name] = size.costly.get(name, 0) + 1
        return size


def _check_repetitions(selection_sets: list[SelectionSetNode], fragments: dict[str, FragmentDefinitionNode]) -> None:
    """Limit how often one field is repeated in selection sets that are merged in the response."""
    fields: dict[str, list[FieldNode]] = {}
    spread: set[str] = set()
    for selection_set in selection_sets:
        _collect_fields(selection_set, fragments, fields, spread)
    for name, nodes in fields.items():
        if len(nodes) > MAX_REPETITIONS:
            message = f"{name[:100]} appears {len(nodes)} times in one selection set; the limit is {MAX_REPETITIONS}."
            raise TooComplex("repetitions of a field", MAX_REPETITIONS, len(nodes), message, nodes[MAX_REPETITIONS])
        _check_repetitions([node.selection_set for node in nodes if node.selection_set], fragments)


def _collect_fields(
    selection_set: SelectionSetNode,
    fragments: dict[str, FragmentDefinitionNode],
    fields: dict[str, list[FieldNode]],
    spread: set[str],
) -> None:
    for node in selection_set.selections:
        if isinstance(node, FieldNode):
            fields.setdefault((node.alias or node.name).value, []).append(node)
        elif isinstance(node, InlineFragmentNode):
            _collect_fields(node.selection_set, fragments, fields, spread)
        elif isinstance(node, FragmentSpreadNode) and node.name.value in fragments.keys() - spread:
            spread.add(node.name.value)
            _collect_fields(fragments[node.name.value].selection_set, fragments, fields, spread)
