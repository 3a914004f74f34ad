"""Project rules: imports between packages, no private names, and generated files that are current."""

import ast
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from graphql import print_schema

from gateway.graphql.schema import schema

ROOT = Path(__file__).parent.parent
INTERNALS = re.compile(
    r"granian\._granian|psycopg\.generators|psycopg\.pq|\bpgconn\b|\bModelState\b|__wrapped__|\bctypes\b|\b_srcfile\b"
)
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for folder in ("gateway", "users")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "migrations" not in path.parts
}
GATEWAY = [name for name in FILES if name.startswith("gateway")]
SCHEMA = [name for name in FILES if name.startswith("users.schema")]
CRYPTO = [name for name in FILES if name.startswith("users.crypto")]
RULES = [name for name in FILES if name not in {*GATEWAY, *SCHEMA, *CRYPTO}]


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported, and every name out of one, since it may be a module too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


TREES = {name: ast.parse(path.read_text()) for name, path in FILES.items()}
IMPORTS = {name: set(imported(tree)) for name, tree in TREES.items()}


def is_in(module: str, *roots: str) -> bool:
    """Return whether a module is one of the roots, or in one of them."""
    return any(module == root or module.startswith(f"{root}.") for root in roots)


def forbidden_imports(names: list[str], *forbidden: str, allowed: str = "-") -> list[tuple[str, str]]:
    """Imports of forbidden modules, or of anything in them."""
    found = ((name, each) for name in names for each in IMPORTS[name])
    return [(name, each) for name, each in found if is_in(each, *forbidden) and not is_in(each, allowed)]


def test_search_for_imports_finds_modules_and_names() -> None:
    assert "users.sessions.sessions" in RULES
    assert {"users.caller", "users.sessions"} <= IMPORTS["users.sessions.access_tokens"]
    assert forbidden_imports(["gateway.graphql.view"], "graphene_django")


def test_rules_import_no_graphql_http_or_gateway() -> None:
    assert not forbidden_imports(RULES, "graphene", "graphene_django", "graphql", "gateway", "users.schema")
    # The admin's pages are Django's, and so are their requests.
    assert not forbidden_imports([name for name in RULES if not is_in(name, "users.admin")], "django.http")


def test_models_and_crypto_import_no_other_modules_of_the_project() -> None:
    models = [name for name in FILES if is_in(name, "users.models")]
    assert not forbidden_imports(models, "users", "gateway", allowed="users.models")
    assert not forbidden_imports(
        CRYPTO, "users", "gateway", "django.db", "django.conf", "django.http", allowed="users.crypto"
    )


def test_schema_imports_no_http_and_no_gateway() -> None:
    assert not forbidden_imports(SCHEMA, "django.http", "gateway", "django.db", "users.crypto")


def test_gateway_does_not_import_the_models() -> None:
    assert not forbidden_imports(GATEWAY, "users.models")


def test_only_sign_ins_and_registration_open_sessions() -> None:
    openers = {
        # Every sign-in ends here, and it checks for the second factor.
        ("users.sign_in.admission", "token_pairs.issue"),
        # A new account has no second factor.
        ("users.accounts.registration", "token_pairs.issue"),
        ("users.sessions.token_pairs", "sessions.create"),
        # `get_token` of django-graphql-jwt, for code of the project only: no request reaches it.
        ("gateway.graphql.graphql_jwt_compat", "sessions.create"),
        ("users.sessions.sessions", "Session.objects.create"),
    }
    calls = {
        (name, ast.unparse(node.func))
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    opens = re.compile(r"(.*\.)?(token_pairs\.issue|sessions\.create|Session(\.objects\..*(create|save).*)?)")
    assert {call for call in calls if opens.fullmatch(call[1])} == openers
    for module, name in (("users.sessions.token_pairs", "issue"), ("users.sessions.sessions", "create")):
        assert not [other for other in FILES if f"{module}.{name}" in IMPORTS[other]], "called by its module's name"


def test_nothing_is_imported_inside_a_function() -> None:
    functions = (
        (name, node)
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    # An app's `ready` is Django's own place for it.
    assert {name for name, function in functions if any(imported(function))} == {"gateway.apps"}


def test_imports_have_no_cycles() -> None:
    left = {name: IMPORTS[name] & FILES.keys() for name in FILES}
    for name, needed in left.items():
        # `from users import keys` names both: the package, and the module that is meant.
        left[name] = {each for each in needed if not any(other.startswith(f"{each}.") for other in needed)}
    while leaves := {name for name, needed in left.items() if not needed & left.keys()}:
        left = {name: needed for name, needed in left.items() if name not in leaves}
    assert not left


def test_tests_mirror_the_tree() -> None:
    # Django's wiring, and what decides nothing: the tests of their twins run through them all.
    wiring = {
        "gateway.apps",
        "gateway.wsgi",
        "gateway.admin_urls",
        "gateway.graphiql.urls",
        "gateway.graphiql.vendor",
        "users.apps",
    }
    plain = {"users.caller", "users.dashboard", "users.errors"}
    assert all((ROOT / "tests/users/schema" / f"test_{name.partition('.')[2]}.py").exists() for name in plain)
    missing = []
    for name, path in FILES.items():
        twin = path.with_name(f"test_{path.name}").relative_to(ROOT).as_posix().replace("management/commands/", "")
        is_plain = name in wiring | plain or path.stem == "__init__"
        if not is_plain and not is_in(name, "users.admin", "users.models"):
            missing += [] if (ROOT / "tests" / twin).exists() else [twin]
    assert not missing


def private_names(text: str) -> list[str]:
    """Names that begin with one underscore and belong to a library or to an object that a library made."""
    tree = ast.parse(text)
    found = INTERNALS.findall(text)
    # What `self` and `cls` have, and the modules of this project.
    own = {"self", "cls", "super()"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and is_in(node.module or "", "gateway", "users"):
            own |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.ClassDef):
            own.add(node.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if is_private(*alias.name.split("."))]
        elif isinstance(node, ast.ImportFrom) and not is_in(node.module or "", "__future__"):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [name for name in names if is_private(*name.split("."))]
        elif isinstance(node, ast.Attribute) and is_private(node.attr) and ast.unparse(node.value) not in own:
            found.append(ast.unparse(node))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"getattr", "setattr", "hasattr", "delattr"}:
            found += [ast.unparse(node) for each in node.args[1:2] if is_private(str(getattr(each, "value", "")))]
    return found


def is_private(*parts: str) -> bool:
    """Return whether a part of a dotted name begins with one underscore and is not documented."""
    documented = {"_meta", "_value_"}
    return any(part.startswith("_") and not part.startswith("__") and part not in documented for part in parts)


@pytest.mark.parametrize(
    "text",
    [
        "import granian._granian",
        "from granian._granian import ListenerSpec",
        "from graphql import _private",
        "import psycopg.pq",
        "from psycopg import generators\npsycopg.generators.fetch",
        "connection.pgconn",
        "import logging\nlogging._srcfile = None",
        "user._state",
        "def f(context):\n    context._subfields_cache = {}",
        "del deliver.__wrapped__",
        "import ctypes",
        "getattr(user, '_state')",
        "self.context._cache",
    ],
)
def test_search_finds_private_names(text: str) -> None:
    assert private_names(text)


def test_search_allows_public_names_and_own_names() -> None:
    assert not private_names(
        "from __future__ import annotations\nfrom users import keys\n"
        "User._meta.get_field('id')\nkeys._forget()\nself._read()\ncls._made\nthing.__class__.__name__\n_own = 1"
    )


@pytest.mark.parametrize("name", sorted(FILES))
def test_no_module_uses_private_names_of_libraries(name: str) -> None:
    assert not private_names(FILES[name].read_text())


def test_schema_graphql_is_current() -> None:
    assert (ROOT / "schema.graphql").read_text() == print_schema(schema.graphql_schema), "make schema"


@pytest.mark.django_db
def test_migrations_are_current() -> None:
    said = io.StringIO()
    try:
        call_command("makemigrations", check=True, dry_run=True, stdout=said)
    except SystemExit:
        pytest.fail(said.getvalue())


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-mysql.txt", "requirements-otel.txt", "tests/requirements.txt"]
)
def test_requirements_are_pinned(name: str) -> None:
    lines = [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith(("#", "-r "))]
    assert lines
    assert not [line for line in lines if not re.fullmatch(r"[\w.-]+(\[[\w,]+\])?==[\w.]+(; .+)?", line)]
