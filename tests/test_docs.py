"""README.md and docs/: links resolve, tables match the code, examples answer as shown, commands run.

`UPDATE_DOCS=1 pytest tests/test_docs.py` writes the real answers of the examples into the pages.
"""

import ast
import os
import re
import shlex
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from django.conf import settings as django_settings
from django.core.management import get_commands, load_command_class
from graphql import GraphQLSyntaxError, parse, validate

from gateway.conf import env
from gateway.graphql.schema import schema
from gateway.observability import metrics, metrics_server
from tests import mailbox
from tests.api import Api
from tests.second_factors import AuthenticatorApp
from tests.server import ROOT, gateway_environment
from users.errors import ErrorCode, FieldErrorCode, Reason
from users.events import EventKind

PAGES = {
    str(path.relative_to(ROOT)): path
    for path in (*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md")), ROOT / "client" / "README.md")
}
TEXTS = {name: path.read_text() for name, path in PAGES.items()}
RECIPES = ROOT / "tests" / "clients" / "recipes"
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def fences(page: str, language: str) -> list[str]:
    """Return the code blocks of a page in a language."""
    return [text for found, text in FENCE.findall(TEXTS[page]) if found == language]


def rows(page: str, pattern: str) -> list[tuple[str, ...]]:
    """Return the cells, without backticks around the first, of all table rows whose first cell is `pattern` as code."""
    found = re.findall(rf"^\| `({pattern})` \|(.*)\|$", TEXTS.get(page, ""), re.MULTILINE)
    return [(name, *(cell.strip() for cell in cells.split(" | "))) for name, cells in found]


def names(page: str, pattern: str) -> list[str]:
    """Return the first cells of such rows."""
    return [row[0] for row in rows(page, pattern)]


# --- links ---------------------------------------------------------------------------------------


def anchors(page: str) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", TEXTS[page]), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_and_anchor_resolves(page: str) -> None:
    broken = []
    for link in LINK.findall(FENCE.sub("", TEXTS[page])):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        path = (PAGES[page].parent / target).resolve() if target else PAGES[page]
        name = str(path.relative_to(ROOT))
        if not path.exists() or (anchor and anchor not in anchors(name)):
            broken.append(link)
    assert not broken


def test_the_readme_is_short_and_links_to_every_page() -> None:
    assert len(TEXTS["README.md"].splitlines()) <= 250
    assert PAGES.keys() - {"README.md"} <= set(LINK.findall(TEXTS["README.md"]))


# --- examples ------------------------------------------------------------------------------------

# A GraphQL document and, right after it, the answer.
EXAMPLE = re.compile(r"```graphql\n((?:(?!```).)+)```(\s+```json\n)(.+?)```", re.DOTALL)
MAILED = re.compile(r"<(token|code) mailed to (\S+)>")


def matches(shown: Any, real: Any) -> bool:
    """Return whether an answer is as shown, except for shortened texts that end with … and for moments."""
    if isinstance(shown, dict):
        return isinstance(real, dict) and shown.keys() == real.keys() and all(matches(shown[k], real[k]) for k in shown)
    if isinstance(shown, list):
        return isinstance(real, list) and len(shown) == len(real) and all(map(matches, shown, real))
    if isinstance(shown, str) and shown.endswith("…"):
        return isinstance(real, str) and len(real) >= len(shown)
    return type(shown) is type(real) and (shown == real or (type(shown) is int and shown > 1_000_000_000))


class Reader:
    """Follows the examples of a page: sends the newest access token, and fills in what earlier answers contained."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.found: dict[str, str] = {}
        self.recovery_codes: list[str] = []

    def ask(self, document: str) -> dict[str, Any]:
        """Return the answer to a document."""
        text = MAILED.sub(lambda asked: getattr(mailbox.last_mail_to(asked[2]), asked[1]), document)
        text = re.sub("<recovery code>", lambda _: self.recovery_codes.pop(), text)
        if "<code of the app>" in text:
            text = text.replace("<code of the app>", AuthenticatorApp("", self.found["secret"], []).code())
        for name, value in self.found.items():
            text = text.replace(f"<{name}>", value)
        assert not re.search(r'"<', text), text
        answer = self.api(text, token=self.found.get("token")).json
        for field in filter(None, (answer.get("data") or {}).values()):
            if isinstance(field, dict):
                names = ("token", "refreshToken", "setup", "secret")
                self.found |= {name: field[name] for name in names if field.get(name)}
                self.recovery_codes += field.get("recoveryCodes") or []
                for session in field.get("sessions") or ():
                    self.found["id of the session"] = session.get("id", "")
        for error in answer.get("errors", ()):
            self.found["challenge"] = error["extensions"].get("challenge", "")
        return answer


@pytest.mark.parametrize("page", [page for page in PAGES if EXAMPLE.search(TEXTS[page])])
def test_every_example_answers_as_shown(api: Api, page: str) -> None:
    reader = Reader(api)

    def check(example: re.Match[str]) -> str:
        document, between, shown = example.groups()
        real = reader.ask(document)
        if os.environ.get("UPDATE_DOCS") and not is_shown(shown, real):
            return f"```graphql\n{document}```{between}{written(shortened(real))}\n```"
        assert matches(orjson.loads(shown), real), (document, real)
        return example[0]

    text = EXAMPLE.sub(check, TEXTS[page])
    if text != TEXTS[page]:
        PAGES[page].write_text(text)


def is_shown(shown: str, real: dict[str, Any]) -> bool:
    try:
        return matches(orjson.loads(shown), real)
    except orjson.JSONDecodeError:
        return False


def shortened(value: Any, key: str = "") -> Any:
    """Return an answer with tokens, ids and moments cut short."""
    if isinstance(value, dict):
        return {name: shortened(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [shortened(each, key) for each in value]
    if not isinstance(value, str):
        return value
    lengths = {r"eyJ.{80,}": 24, r"[0-9a-f]{8}-[0-9a-f-]{27}": 9, r"\d{4}-\d\d-\d\dT.+": 11}
    if key in {"cursor", "endCursor", "startCursor", "refreshToken"}:
        lengths[".{30,}"] = 28
    if key in {"setup", "secret", "uri", "qrCode", "challenge"}:
        lengths[".{20,}"] = 20
    if key == "recoveryCodes":
        lengths[".{19}"] = 4
    length = next((length for pattern, length in lengths.items() if re.fullmatch(pattern, value)), None)
    return f"{value[:length]}…" if length else value


def written(value: Any, indent: str = "", key: str = "") -> str:
    """Return a key and its JSON, in which what fits on a line is on one line."""
    if not isinstance(value, dict | list) or not value or len(indent + key + inline(value)) <= 110:
        return indent + key + inline(value)
    opening, closing = ("[", "]") if isinstance(value, list) else ("{", "}")
    items = [("", each) for each in value] if isinstance(value, list) else [(f'"{k}": ', v) for k, v in value.items()]
    lines = ",\n".join(written(each, f"{indent}  ", name) for name, each in items)
    return f"{indent}{key}{opening}\n{lines}\n{indent}{closing}"


def inline(value: Any) -> str:
    """Return JSON on one line, with spaces."""
    if isinstance(value, list):
        return f"[{', '.join(map(inline, value))}]"
    if isinstance(value, dict) and value:
        return "{ " + ", ".join(f'"{name}": {inline(each)}' for name, each in value.items()) + " }"
    return orjson.dumps(value).decode()


@pytest.mark.parametrize("page", PAGES)
def test_every_document_fits_the_schema_and_all_json_parses(page: str) -> None:
    # The answers show whether those with an answer do.
    for text in set(fences(page, "graphql")) - {document for document, _, _ in EXAMPLE.findall(TEXTS[page])}:
        try:
            assert not validate(schema.graphql_schema, parse(text)), text
        except GraphQLSyntaxError as error:
            pytest.fail(f"{text}\n{error}")
    for text in fences(page, "json"):
        orjson.loads(text)


LANGUAGES = {".ts": "ts", ".tsx": "tsx", ".mjs": "js", ".py": "python", ".yaml": "yaml", ".conf": "nginx"}


@pytest.mark.parametrize("recipe", sorted(file.name for file in RECIPES.iterdir() if file.suffix in LANGUAGES))
def test_a_page_shows_each_recipe_that_the_client_tests_run(recipe: str) -> None:
    text = (RECIPES / recipe).read_text().rstrip()
    fence = f"```{LANGUAGES[Path(recipe).suffix]}\n{text}\n```"
    assert [page for page, shown in TEXTS.items() if fence in shown], f"no page shows {recipe} as it is"


# --- tables --------------------------------------------------------------------------------------

SETTING = "[A-Z][A-Z_]+"
SWITCHES = {"on": True, "off": False}


def test_the_settings_page_lists_every_setting_and_no_other() -> None:
    listed = names("docs/settings.md", SETTING)
    assert len(listed) == len(set(listed))
    assert set(listed) == env.names


def test_the_settings_page_shows_the_defaults() -> None:
    wrong = []
    for name, default, *_ in rows("docs/settings.md", SETTING):
        text = re.fullmatch("`([^`]*)`", default)
        real = getattr(django_settings, name, None)
        if name.startswith("GATEWAY_LIMIT_"):
            real = django_settings.GATEWAY_LIMITS.get(name.removeprefix("GATEWAY_LIMIT_").lower())
        # Others depend on the machine, on DJANGO_DEBUG or on other settings.
        if text and real is not None and parsed(text[1], real) != real:
            wrong.append((name, default, real))
    assert not wrong


def parsed(text: str, like: Any) -> Any:
    """Return the value of a default, in the type of a setting."""
    if isinstance(like, bool):
        return SWITCHES.get(text)
    if isinstance(like, int):
        return int(text)
    if isinstance(like, timedelta):
        return env.duration(text)
    return env.rates(text) if isinstance(like, list) else text


def test_the_rate_limits_page_lists_the_limits_of_the_settings_page() -> None:
    limits = {row[:2] for row in rows("docs/settings.md", "GATEWAY_LIMIT_[A-Z_]+")}
    assert limits
    assert {row[:2] for row in rows("docs/rate-limits.md", "GATEWAY_LIMIT_[A-Z_]+")} == limits


def test_the_settings_page_lists_every_check() -> None:
    code = "".join((ROOT / "gateway" / name).read_text() for name in ("checks.py", "passkey_checks.py"))
    assert names("docs/settings.md", r"gateway\.E\d+") == sorted(set(re.findall(r'"(gateway\.E\d+)"', code)))


@pytest.mark.parametrize(("heading", "codes"), [("Codes", ErrorCode), ("Field errors", FieldErrorCode)])
def test_the_errors_page_lists_every_code_and_no_other(heading: str, codes: Any) -> None:
    section = re.split(r"^## ", TEXTS["docs/errors.md"].partition(f"## {heading}\n")[2], flags=re.MULTILINE)[0]
    assert sorted(re.findall(r"^\| `([A-Z_]+)` \|", section, re.MULTILINE)) == sorted(code.name for code in codes)


def test_the_errors_page_lists_every_reason() -> None:
    section = TEXTS["docs/errors.md"].partition("## Reasons\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([A-Z_]+)` \|", section, re.MULTILINE) == [reason.name for reason in Reason]


def test_the_sessions_page_lists_every_kind_of_event() -> None:
    section = TEXTS["docs/sessions-and-tokens.md"].partition("## Events\n")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `([A-Z_]+)` \|", section, re.MULTILINE)) == sorted(kind.name for kind in EventKind)


def test_the_tokens_page_lists_every_claim(api: Api, settings: Any) -> None:
    listed = names("docs/verifying-tokens.md", "[a-z_]+")
    always = api.new_member().claims
    settings.GATEWAY_TOKEN_CLAIMS = [name for name in listed if name not in {"email_verified", *CLAIMS}]
    claims = api.sign_in_member()("mutation { verifyToken { payload } }").data["verifyToken"]["payload"]
    # For clients of django-graphql-jwt; not in the token.
    assert set(listed) == claims.keys() - {"origIat"}
    assert always.keys() <= CLAIMS


CLAIMS = {"iss", "aud", "sub", "sid", "iat", "exp", "jti", "auth_time", "acr", "amr"}


def test_the_email_page_lists_every_mail() -> None:
    templates = {path.stem for path in (ROOT / "users" / "templates" / "mail").glob("*.txt")}
    section = TEXTS["docs/email.md"].partition("## The mails\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z_]+)` \|", section, re.MULTILINE)) == templates - {"base", "circumstances"}


def test_the_monitoring_page_lists_every_metric_and_no_other() -> None:
    # Importing the modules has registered their metrics.
    counted = {f"{each.name}_total" if each.type == "counter" else each.name for each in metrics.registry.collect()}
    read = {name for name, _, _ in metrics_server.DATABASE_METRICS} | {"gateway_database_up"}
    rows = re.findall(r"^\| (`gateway_.+?`) \|", TEXTS["docs/monitoring.md"], re.MULTILINE)
    assert set(re.findall(r"gateway_\w+", " ".join(rows))) == counted | read


def test_the_monitoring_page_lists_every_line_of_the_audit_log() -> None:
    table = TEXTS["docs/monitoring.md"].partition("| event |")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `([a-z_.]+)` \|", table, re.MULTILINE)
    # Refreshes are too frequent for the table of events.
    assert sorted(listed) == sorted([*(kind.value for kind in EventKind), "session.refreshed"])


REQUIREMENT = re.compile(r"^\| ([SF]-\d{2,3}) \|", re.MULTILINE)
# `test_s48_...`, `test_s02_s06_...`, and "S-33 S-34: ..." in the tests of clients.
NAMED_IN_TESTS = re.compile(r"(?<=_)([sf])(\d{2,3})(?=_)|\b([SF])-(\d{2,3})\b")


def test_the_security_page_lists_every_id_that_a_test_names() -> None:
    listed = REQUIREMENT.findall(TEXTS["docs/security-requirements.md"])
    assert listed == sorted(set(listed), key=lambda each: (each[0] == "F", int(each[2:])))
    assert {f"S-{number:02}" for number in range(1, 107)} | {f"F-{number:02}" for number in range(1, 26)} <= set(listed)
    named = set()
    for file in (ROOT / "tests").rglob("*"):
        if file.suffix in {".py", ".mjs"} and "node_modules" not in file.parts and file != Path(__file__):
            for lower, lower_number, upper, number in NAMED_IN_TESTS.findall(file.read_text()):
                named.add(f"{(lower or upper).upper()}-{lower_number or number}")
    assert len(named) > 100
    assert named <= set(listed)


# --- names ---------------------------------------------------------------------------------------

# Of an older release, misspelt on purpose, of clients, and of Kubernetes.
OTHER_VARIABLES = {
    *env.RENAMED,
    "GATEWAY_ACESS_LIFETIME",
    "GATEWAY_ACCES_LIFETIME",
    *env.OTHER_VARIABLES,
    "GATEWAY_SERVICE_HOST",
}


@pytest.mark.parametrize("page", sorted(PAGES.keys() - {"CHANGELOG.md"}))
def test_paths_and_settings_exist(page: str) -> None:
    paths = set(re.findall(r"\b(?<!/)(?:gateway|users|tests)/(?:[\w/.-]*[\w/])?", TEXTS[page]))
    assert page != "docs/architecture.md" or {"gateway/server.py", "users/schema/tokens.py", "tests/journeys/"} <= paths
    assert not {path for path in paths if not (ROOT / path).exists()}
    settings = set(re.findall(r"\bGATEWAY_[A-Z_]*[A-Z]\b(?!_…)", TEXTS[page]))
    assert not settings - env.names - OTHER_VARIABLES


# How messages of Python and of Django begin.
MESSAGES_OF_OTHERS = ("No module named", "Error loading MySQLdb")


def test_the_messages_of_the_troubleshooting_page_are_those_of_the_code() -> None:
    files = [ROOT / "manage.py", *(ROOT / "gateway").rglob("*.py"), *(ROOT / "users").rglob("*.py")]
    texts = [
        node.value
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    cells = re.findall(r"^\| (.+?) \| ", TEXTS["docs/troubleshooting.md"], re.MULTILINE)
    quoted = [double or single for cell in cells for double, single in re.findall(r"``(.+?)``|`([^`]+)`", cell)]
    messages = [each for each in quoted if " " in each]
    assert len(messages) > 12
    for message in messages:
        if not message.startswith(MESSAGES_OF_OTHERS):
            # Where the code inserts a value.
            pieces = [piece.strip() for piece in re.split(r"…|=?\(not shown, it is a secret\)|: expected", message)]
            assert all(any(piece in text for text in texts) for piece in pieces), message


@pytest.mark.parametrize("page", [page for page in PAGES if fences(page, "yaml")])
def test_yaml_parses(page: str) -> None:
    for text in fences(page, "yaml"):
        assert yaml.safe_load(text)


# --- commands ------------------------------------------------------------------------------------

COMMANDS = [
    (page, line)
    for page in PAGES
    for fence in fences(page, "sh")
    for line in map(str.strip, fence.replace("\\\n", " ").splitlines())
    if line and not line.startswith("#")
]


def lines_with(text: str) -> list[tuple[str, str]]:
    """Return the commands of all pages that contain a text."""
    return [(page, line) for page, line in COMMANDS if text in line]


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = {(page, target) for page, line in COMMANDS for target in re.findall(r"\bmake ([a-z][\w-]*)", line)}
    assert ("README.md", "run") in used
    assert not [(page, target) for page, target in used if target not in targets]


def test_every_management_command_takes_its_options() -> None:
    known = get_commands()
    for page, line in lines_with("manage.py "):
        name, *arguments = shlex.split(line.partition("manage.py ")[2].partition("#")[0].rstrip(" &"))
        assert name in known, (page, line)
        parser = load_command_class(str(known[name]), name).create_parser("manage.py", name)
        parser.parse_args([argument for argument in arguments if not argument.startswith("$")])


@pytest.mark.services
@pytest.mark.parametrize("page", sorted({page for page, line in COMMANDS if line.startswith("export ")}))
def test_the_settings_of_each_page_pass_the_checks(page: str) -> None:
    # In production, whose checks are stricter. Every block is one deployment.
    production = {"DJANGO_DEBUG": "off", "SECRET_KEY": "k" * 50, "ALLOWED_HOSTS": "auth.example.com"}
    production |= {"DATABASE_URL": "sqlite:///:memory:"}
    for fence in fences(page, "sh"):
        exported = re.findall(r"^ *export (.+)$", fence.replace("\\\n", " "), re.MULTILINE)
        given = dict(word.split("=", 1) for line in exported for word in shlex.split(line, comments=True))
        given = {name: value for name, value in given.items() if not value.startswith("$") and name != "DATABASE_URL"}
        if given:
            done = subprocess.run(
                [sys.executable, "manage.py", "check"],
                cwd=ROOT,
                env=gateway_environment(production | given),
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert done.returncode == 0, (page, given, done.stderr)


@pytest.mark.django_db(transaction=True)
def test_every_curl_command_succeeds(live_server: Any) -> None:
    # Other hosts are the reader's.
    commands = [(page, line) for page, line in lines_with("curl ") if "localhost:8000" in line]
    assert commands
    for page, line in commands:
        command = re.sub(r"(http://)?localhost:8000", live_server.url, line)
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (page, line, done.stderr)
        body = done.stdout.partition("\n\n")[2] if "-i " in line else done.stdout
        assert "errors" not in orjson.loads(body), (page, line, body)
