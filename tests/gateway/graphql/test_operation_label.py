"""Labels of operations."""

import pytest
from graphql import get_operation_ast, parse

from gateway.graphql import operation_label


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("{ me { id } }", "me"),
        ("query me { dashboard { message } }", "dashboard"),
        ("{ tokenAuth: me { id } }", "me"),
        ("{ a: me { id } b: me { email } }", "me"),
        ("{ me { id } dashboard { message } }", "several"),
        ("{ __typename }", "introspection"),
        ("{ __schema { types { name } } __typename }", "introspection"),
        ("{ __typename me { id } }", "me"),
        (
            "{ ... { me { id } } ...F } fragment F on Query { ... { ...G } } fragment G on Query { me { id } }",
            "me",
        ),
        ("{ me { id } ...F } fragment F on Query { dashboard { message } }", "several"),
        ("mutation Me { revokeToken { revoked } }", "revokeToken"),
    ],
)
def test_label_is_a_field_name_of_the_schema(text: str, field: str) -> None:
    document = parse(text)
    operation = get_operation_ast(document)
    assert operation
    assert operation_label.get_label(document, operation) == field
