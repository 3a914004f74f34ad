"""Texts for people are plain English: a subject, a verb, standard terms, and no banned phrases."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from graphql import parse, print_ast
from graphql.language import FieldDefinitionNode, Node, Visitor, visit

ROOT = Path(__file__).parent.parent
FOLDERS = ("gateway", "users", "tests")
# Temporary: paths whose texts are still to be rewritten. Remove an entry to check it.
EXCLUDED = ("tests/faults",)

BANNED = re.compile(
    r"\b(whoever|whomever|whatever (is|was)|nobody|somebody|shall be|will not do|is told|are told|lest|anew"
    r"|(?<!look-)(?<!look )alike|hereby|what (comes|is said|was said|waits)"
    r"|(?<!user )(?<!member )(?<!thief )(?<!attacker )who (comes|asks|is signed|has|waits|knows))\b",
    re.IGNORECASE,
)
NO_SUBJECT = re.compile(r"(Who|Whom|What|Whether|Where|Which|How|When|Nothing|Anything)\b(?!.*\?$)")
# Exceptions whose message a person reads as it is.
SENTENCES = {
    "BadRequest",
    "CommandError",
    "Error",
    "Forbidden",
    "GraphQLError",
    "ImproperlyConfigured",
    "NotFound",
    "OperationUnresolved",
    "TooComplex",
    "json_error",
    "refuse",
}
LOG_CALLS = {"log.debug", "log.info", "log.warning", "log.error", "log.exception", "logging.getLogger.exception"}


class Text(NamedTuple):
    """A text and its place in the source."""

    kind: str
    place: str
    text: str


def is_excluded(path: Path) -> bool:
    name = path.relative_to(ROOT).as_posix()
    is_foreign = {"vendor", "node_modules"} & set(path.parts)
    return any(name == each or name.startswith(f"{each}/") for each in EXCLUDED) or bool(is_foreign)


def files(*suffixes: str) -> list[Path]:
    """Return the checked files with these suffixes."""
    paths = (path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*")))
    return [
        path for path in paths if path.suffix in suffixes and not is_excluded(path) and "migrations" not in path.parts
    ]


def literal(node: ast.AST | None) -> str | None:
    """Return the text of a string literal, with `{}` in place of expressions. None for other nodes."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(literal(each) or "{}" for each in node.values)
    return None


def python_texts(source: str, place: str) -> Iterator[Text]:
    """Yield the docstrings, comments, messages and test names of a module."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and not token.string.startswith(("# noqa", "# type:")):
            yield Text("comment", f"{place}:{token.start[0]}", token.string.lstrip("# "))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            where = f"{place}:{getattr(node, 'lineno', 1)}"
            if docstring := ast.get_docstring(node):
                yield Text("docstring", where, docstring)
            if getattr(node, "name", "").startswith("test_"):
                yield Text("name", where, getattr(node, "name", "").replace("_", " "))
        elif isinstance(node, ast.Call):
            function = ast.unparse(node.func)
            kind = "log" if function in LOG_CALLS else "error" if function.rpartition(".")[2] in SENTENCES else "call"
            # The first argument of TooComplex is the name of a limit.
            yield from messages(kind, place, *(node.args[1:] if function == "TooComplex" else node.args))
        elif isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["message"]:
            yield from messages("error", place, node.value)
        # The values of `Purpose` are parts of signed challenges, not messages.
        if isinstance(node, ast.ClassDef) and "Enum" in map(ast.unparse, node.bases) and node.name != "Purpose":
            values = [each.value for each in node.body if isinstance(each, ast.Assign)]
            yield from (text for text in messages("error", place, *values) if " " in text.text)


def messages(kind: str, place: str, *nodes: ast.expr) -> Iterator[Text]:
    """Yield the string literals among the nodes, but no error codes."""
    for node in nodes:
        if (text := literal(node)) and not re.fullmatch("[A-Z_]+", text):
            yield Text(kind, f"{place}:{node.lineno}", text)


def other_texts(path: Path) -> Iterator[Text]:
    """Yield the lines of a page, a script or an email template."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        yield Text("line", f"{path.relative_to(ROOT)}:{number}", line)


def schema_texts(source: str) -> Iterator[Text]:
    """Yield the descriptions of a schema. `Whether` may begin the description of a Boolean."""
    found: list[Text] = []

    class Descriptions(Visitor):
        def enter(self, node: Node, *_: object) -> None:
            if description := getattr(node, "description", None):
                is_boolean = isinstance(node, FieldDefinitionNode) and print_ast(node.type).startswith("Boolean")
                line = node.loc.start_token.line if node.loc else 0
                found.append(
                    Text("boolean" if is_boolean else "docstring", f"schema.graphql:{line}", description.value)
                )

    visit(parse(source), Descriptions())
    return iter(found)


@cache
def all_texts() -> list[Text]:
    """Return every checked text."""
    return list(iterate_texts())


def iterate_texts() -> Iterator[Text]:
    """Yield every checked text."""
    for path in files(".py"):
        texts = python_texts(path.read_text(), path.relative_to(ROOT).as_posix())
        # Tests pass bad texts on purpose.
        yield from (
            text
            for text in texts
            if path.relative_to(ROOT).parts[0] != "tests" or text.kind in {"docstring", "comment", "name"}
        )
    for path in files(".html", ".txt", ".js", ".graphql"):
        yield from other_texts(path)
    yield from schema_texts((ROOT / "schema.graphql").read_text())
    for path in [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]:
        yield from other_texts(path)


def complaint(text: Text) -> str | None:
    """Return the broken rule, or None."""
    if banned := BANNED.search(text.text):
        return f"banned: {banned[0]}"
    if text.kind in {"docstring", "error", "log"} and NO_SUBJECT.match(text.text):
        return "has no subject"
    if text.kind == "boolean" and not text.text.startswith("Whether") and NO_SUBJECT.match(text.text):
        return "has no subject"
    if text.kind == "error" and not re.match(r"[A-Z{`]|operationName", text.text):
        return "an error message must start with a capital letter"
    if text.kind == "error" and not text.text.endswith((".", "}")):
        return "an error message must end with a full stop"
    if text.kind == "log" and (not re.match(r"[a-z%{]", text.text) or text.text.endswith(".")):
        return "a log message must start in lower case and have no full stop"
    return None


def test_texts_are_plain_english() -> None:
    broken = [(text.place, rule, text.text[:80]) for text in all_texts() if (rule := complaint(text))]
    assert not broken, "\n".join(map(str, broken))


def test_search_finds_texts_of_every_kind() -> None:
    found = all_texts()
    assert {text.kind for text in found} >= {"docstring", "comment", "name", "error", "log", "call", "line"}
    assert len(found) > 1_500
    assert {"README.md", "docs", "tests", "users", "gateway"} <= {re.split("[:/]", text.place)[0] for text in found}
    assert any(text.text.startswith("Send mutations by POST") for text in found if text.kind == "error")


@pytest.mark.parametrize(
    "source",
    [
        '"""Whoever asks."""',
        '"""What a request asks for."""',
        "x = 1  # Lest it fails.",
        "def test_nobody_signs_in(): ...",
        'raise BadRequest("the body must be JSON.")',
        'raise BadRequest("The body must be JSON")',
        'raise BadRequest("What is wrong.")',
        'Error(f"{name} shall be off.", id="gateway.E001")',
        'log.warning("The mail worker exited.")',
        'class Reason(Enum):\n    TOKEN_MISSING = "no access token"',
        'message = "ALLOWED_HOSTS shall be set."',
        'Counter("mails", "Mails that somebody waits for.")',
    ],
)
def test_bad_python_text_is_found(source: str) -> None:
    assert [text for text in python_texts(source, "x.py") if complaint(text)]


@pytest.mark.parametrize(
    ("description", "field", "is_good"),
    [
        ("Whether the session is the current one.", "a: Boolean!", True),
        ("Whether the session is the current one.", "a: String", False),
        ("The current session.", "a: String", True),
        ("Who is signed in.", "a: String", False),
        ("How many sessions ended.", "a: Int", False),
    ],
)
def test_schema_descriptions_have_a_subject(description: str, field: str, is_good: bool) -> None:
    texts = schema_texts(f'type Query {{ """{description}""" {field} }}')
    assert (not [text for text in texts if complaint(text)]) == is_good
