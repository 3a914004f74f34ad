"""The descriptions of the schema are complete sentences or phrases in plain English."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import GraphQLEnumType, GraphQLSchema, build_schema, is_interface_type, is_object_type

SCHEMA = Path(__file__).parents[3] / "schema.graphql"
BANNED = re.compile(
    r"\b(who|whom|whoever|whatever|nobody|somebody|anybody|shall|will not do|lest|anew|proven?|proof|(?<!IP )address"
    r"|is told|are told|my)\b",
    re.IGNORECASE,
)
NO_SUBJECT = re.compile(r"(Who|What|Where|Which|When|How|Nothing|Anything)\b")


def descriptions(schema: GraphQLSchema) -> Iterator[tuple[str, str, str]]:
    """Yield the name, type and description of everything in the schema."""
    for name, kind in schema.type_map.items():
        if name.startswith("__") or name in {"ID", "Int", "Float", "String", "Boolean"}:
            continue
        yield name, "", kind.description or ""
        if isinstance(kind, GraphQLEnumType):
            for value, member in kind.values.items():
                yield f"{name}.{value}", "", member.description or ""
        elif is_object_type(kind) or is_interface_type(kind):
            for field, definition in kind.fields.items():
                yield f"{name}.{field}", str(definition.type), definition.description or ""
                for argument, each in definition.args.items():
                    yield f"{name}.{field}({argument}:)", "", each.description or ""


def complaint(kind: str, text: str) -> str | None:
    """Return the rule that a description breaks, or None."""
    if not re.match("[A-Z]", text):
        return "must begin with a capital letter"
    if not text.endswith("."):
        return "must end with a full stop"
    if banned := BANNED.search(text):
        return f"banned: {banned[0]}"
    if NO_SUBJECT.match(text) or (text.startswith("Whether") and not kind.startswith(("Boolean", "PageInfo"))):
        return "has no subject"
    return None


def test_descriptions_are_plain_english() -> None:
    found = list(descriptions(build_schema(SCHEMA.read_text())))
    broken = [(name, rule, text) for name, kind, text in found if (rule := complaint(kind, text))]
    assert len(found) > 150
    assert not broken, "\n".join(map(str, broken))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("", ""),
        ("", "the new password."),
        ("", "The new password"),
        ("", "Somebody signed in."),
        ("", "The new address."),
        ("DateTime!", "When it happened."),
        ("Int!", "How many sessions ended."),
        ("String", "Whether it is known."),
    ],
)
def test_bad_description_is_found(kind: str, text: str) -> None:
    assert complaint(kind, text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [("", "The IP address of the client."), ("Boolean!", "Whether the email is verified."), ("", "End all sessions.")],
)
def test_good_description_passes(kind: str, text: str) -> None:
    assert complaint(kind, text) is None
