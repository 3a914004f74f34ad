"""Values from the environment: typed, or refused in one line that says how."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from gateway import databases, environment
from gateway.environment import (
    count,
    duration,
    link,
    load,
    natural,
    one_of,
    origins,
    read,
    require,
    subset,
    switch,
    text,
    url,
    words,
)

ALGORITHM = one_of("ES256", "RS256")
CLAIMS = subset("username", "email")


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    """What these tests ask for is no setting of the gateway."""
    monkeypatch.setattr(environment, "names", set())
    monkeypatch.delenv("THING", raising=False)


@pytest.mark.parametrize(
    ("parse", "value", "parsed"),
    [
        *((url, value, value) for value in ("https://app.example", "http://localhost:3000/start?a=b#c")),
        (text, "a b", "a b"),
        (text, "  a  ", "a"),
        *((switch, value, True) for value in ("1", "on", "ON", "true", "yes")),
        *((switch, value, False) for value in ("0", "off", "False", "no")),
        (count, "1", 1),
        (count, "250", 250),
        (natural, "0", 0),
        (duration, "30s", timedelta(seconds=30)),
        (duration, "5m", timedelta(minutes=5)),
        (duration, "12h", timedelta(hours=12)),
        (duration, "7d", timedelta(days=7)),
        (words, "a, b,,c ", ["a", "b", "c"]),
        (words, ",", []),
        (origins, "https://a.example, http://localhost:3000", ["https://a.example", "http://localhost:3000"]),
        (origins, "*", ["*"]),
        (CLAIMS, "email,username", ["email", "username"]),
        (ALGORITHM, "RS256", "RS256"),
    ],
)
def test_a_value_is_parsed(
    monkeypatch: pytest.MonkeyPatch, parse: Callable[[str], Any], value: str, parsed: Any
) -> None:
    monkeypatch.setenv("THING", value)
    assert read("THING", parse, object()) == parsed


@pytest.mark.parametrize(
    ("parse", "value", "expected"),
    [
        *((switch, value, "on or off") for value in ("2", "maybe", "онлайн")),
        *((count, value, "a whole number, 1 or more") for value in ("0", "-1", "1.5", "many")),
        *((natural, value, "a whole number, 0 or more") for value in ("-1", "x")),
        *(
            (duration, value, "a duration such as 30s, 5m, 12h or 7d")
            for value in ("0s", "5", "m", "5 m", "-5m", "1.5h", "5w", "5M", "9999999d", "5m5s")
        ),
        *(
            (origins, value, "a list of origins such as https://app.example, separated by commas")
            for value in (
                "null",
                "app.example",
                "https://app.example/",
                "https://a.example/b",
                "https://",
                "//a",
                "http://[",
            )
        ),
        *(
            (link, value, "an address such as https://app.example/verify#token={token}, with {token} in it")
            for value in (
                "https://app.example/verify",
                "javascript:{token}",
                "/verify#token={token}",
                "https://{token}{token}",
            )
        ),
        *(
            (url, value, "an address such as https://app.example")
            for value in ("app.example", "javascript:alert(1)", "//app.example", "https://", "https://a:b@app.example")
        ),
        (CLAIMS, "email,password", "a list, separated by commas, of username, email"),
        (ALGORITHM, "HS256", "one of ES256, RS256"),
        (ALGORITHM, "es256", "one of ES256, RS256"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_and_what_was_expected(
    monkeypatch: pytest.MonkeyPatch, parse: Callable[[str], Any], value: str, expected: str
) -> None:
    monkeypatch.setenv("THING", value)
    with pytest.raises(ImproperlyConfigured) as refusal:
        read("THING", parse, None)
    assert str(refusal.value) == f"THING={value!r}: expected {expected}."


@pytest.mark.parametrize("value", [None, "", "  "])
def test_unset_and_empty_are_the_default(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    if value is not None:
        monkeypatch.setenv("THING", value)
    assert read("THING", count, 7) == 7


def test_every_name_that_is_asked_for_is_remembered() -> None:
    read("THING", text, "")
    read("OTHER", text, "")
    assert environment.names == {"THING", "OTHER"}


@pytest.mark.parametrize(
    "value",
    ["postgres://gateway:hunter2@db.example:many/x", "nosuch://a:hunter2@b/c", "hunter2", "mysql://a:hunter2@b"],
)
def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DATABASE_URL", value)
    with pytest.raises(ImproperlyConfigured) as refusal:
        read("DATABASE_URL", databases.parse, {}, secret=True)
    assert "DATABASE_URL=(not shown, it is a secret): expected a database address" in str(refusal.value)
    assert "hunter2" not in str(refusal.value)
    assert refusal.value.__suppress_context__, "the reader's own words stay out of the traceback"


def test_all_that_is_missing_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", " ")
    monkeypatch.setenv("THERE", "x")
    with pytest.raises(ImproperlyConfigured) as refusal:
        require(THING="a thing", THERE="here", OTHER="another")
    assert str(refusal.value) == "DJANGO_DEBUG=0 needs THING (a thing), OTHER (another)."
    require(THERE="here")


def test_a_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text('THING=from the file\nOTHER_THING="quoted # text"\n# a comment\n')
    # Set and taken away again, so that what the file brings does not outlive the test.
    monkeypatch.setenv("OTHER_THING", "")
    monkeypatch.delenv("OTHER_THING")
    monkeypatch.setenv("THING", "from the environment")
    load(file)
    assert read("THING", text, "") == "from the environment"
    assert read("OTHER_THING", text, "") == "quoted # text"


def test_no_file_is_fine(tmp_path: Path) -> None:
    load(tmp_path / "nowhere.env")
