"""Labels of operations for logs, metrics and traces. They are field names of the schema, never text of a client."""

from collections.abc import Iterator

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

SEVERAL, INTROSPECTION = "several", "introspection"


def get_label(document: DocumentNode, operation: OperationDefinitionNode) -> str:
    """Return the root field of an operation, SEVERAL for more than one field, or INTROSPECTION."""
    names = {*_root_fields(document, operation.selection_set)}
    if len(names) > 1:
        names.discard(INTROSPECTION)
    return names.pop() if len(names) == 1 else SEVERAL


def _root_fields(document: DocumentNode, selections: SelectionSetNode) -> Iterator[str]:
    for node in selections.selections:
        if isinstance(node, FieldNode):
            name = node.name.value
            yield INTROSPECTION if name.startswith("__") else name
        elif isinstance(node, FragmentSpreadNode):
            yield from _root_fields(document, _fragment(document, node.name.value).selection_set)
        else:
            yield from _root_fields(document, node.selection_set)  # type: ignore[attr-defined]


def _fragment(document: DocumentNode, name: str) -> FragmentDefinitionNode:
    fragments = (each for each in document.definitions if isinstance(each, FragmentDefinitionNode))
    return next(each for each in fragments if each.name.value == name)
