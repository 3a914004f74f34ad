"""What an operation is about, in the schema's words: a client names its operations as it likes."""

from collections.abc import Iterator

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

NONE, SEVERAL, INTROSPECTION = "none", "several", "introspection"


def of(document: DocumentNode, operation: OperationDefinitionNode) -> str:
    """The one root field of an operation, or that there are several, or that it only asks for the schema."""
    names = {*_names(document, operation.selection_set)}
    if len(names) > 1:
        names.discard(INTROSPECTION)
    return names.pop() if len(names) == 1 else SEVERAL


def _names(document: DocumentNode, selections: SelectionSetNode) -> Iterator[str]:
    for node in selections.selections:
        if isinstance(node, FieldNode):
            name = node.name.value
            yield INTROSPECTION if name.startswith("__") else name
        elif isinstance(node, FragmentSpreadNode):
            yield from _names(document, _fragment(document, node.name.value).selection_set)
        else:
            yield from _names(document, node.selection_set)  # type: ignore[attr-defined]


def _fragment(document: DocumentNode, name: str) -> FragmentDefinitionNode:
    fragments = (each for each in document.definitions if isinstance(each, FragmentDefinitionNode))
    return next(each for each in fragments if each.name.value == name)
