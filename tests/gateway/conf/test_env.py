"""Environment variables: parsed, or refused with one line that has the expected form."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from gateway.conf import database_url, env
from gateway.conf.env import (
    count,
    duration,
    link,
    load_file,
    natural,
    one_of,
    origins,
    port_or_zero,
    rates,
    read,
    refuse_unknown,
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
    """Isolate the names that these tests read from the gateway's settings."""
    monkeypatch.setattr(env, "names", set())
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
        (count, "1000000000", 1_000_000_000),
        (natural, "0", 0),
        (port_or_zero, "0", 0),
        (port_or_zero, "65535", 65_535),
        (duration, "30s", timedelta(seconds=30)),
        (duration, "5m", timedelta(minutes=5)),
        (duration, "12h", timedelta(hours=12)),
        (duration, "7d", timedelta(days=7)),
        (duration, "3650d", timedelta(days=3650)),
        (duration, "315360000s", timedelta(days=3650)),
        (rates, "5 in 1 minute, 9 in 2 days", [(5, timedelta(minutes=1)), (9, timedelta(days=2))]),
        (words, "a, b,,c ", ["a", "b", "c"]),
        (words, ",", []),
        (origins, "https://a.example, http://localhost:3000", ["https://a.example", "http://localhost:3000"]),
        (origins, "*", ["*"]),
        (CLAIMS, "email,username", ["email", "username"]),
        (ALGORITHM, "RS256", "RS256"),
    ],
)
def test_value_is_parsed(monkeypatch: pytest.MonkeyPatch, parse: Callable[[str], Any], value: str, parsed: Any) -> None:
    monkeypatch.setenv("THING", value)
    assert read("THING", parse, object()) == parsed


@pytest.mark.parametrize(
    ("parse", "value", "expected"),
    [
        *((switch, value, "on or off") for value in ("2", "maybe", "онлайн")),
        *((count, value, "a whole number from 1 to 1000000000") for value in ("0", "-1", "1.5", "many", "1000000001")),
        *((natural, value, "a whole number from 0 to 1000000000") for value in ("-1", "x", "1000000001")),
        *((port_or_zero, value, "a port from 1 to 65535, or 0 for no port") for value in ("65536", "-1", "x")),
        *(
            (duration, value, "a duration such as 30s, 5m, 12h or 7d, at most 3650d")
            for value in (
                "0s",
                "5",
                "m",
                "5 m",
                "-5m",
                "1.5h",
                "5w",
                "5M",
                "3651d",
                "315360001s",
                "9999999999s",
                "5m5s",
            )
        ),
        *(
            (rates, value, "rates such as 5 in 5 minutes, separated by commas, in at most 3650 days")
            for value in ("5", "0 in 1 minute", "5 in 0 minutes", "5 in 1 week", "5 in 3651 days", "5 in 999999 days")
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
            (link, value, "a URL such as https://app.example/verify#token={token}, with {token} once")
            for value in (
                "https://app.example/verify",
                "javascript:{token}",
                "/verify#token={token}",
                "https://{token}{token}",
            )
        ),
        *(
            (url, value, "a URL such as https://app.example")
            for value in ("app.example", "javascript:alert(1)", "//app.example", "https://", "https://a:b@app.example")
        ),
        (CLAIMS, "email,password", "a list, separated by commas, of username, email"),
        (ALGORITHM, "HS256", "one of ES256, RS256"),
        (ALGORITHM, "es256", "one of ES256, RS256"),
    ],
)
def test_invalid_value_is_refused_with_its_name_and_the_expected_form(
    monkeypatch: pytest.MonkeyPatch, parse: Callable[[str], Any], value: str, expected: str
) -> None:
    monkeypatch.setenv("THING", value)
    with pytest.raises(ImproperlyConfigured) as refusal:
        read("THING", parse, None)
    assert str(refusal.value) == f"THING={value!r}: expected {expected}."


@pytest.mark.parametrize("value", [None, "", "  "])
def test_unset_or_empty_variable_has_the_default(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    if value is not None:
        monkeypatch.setenv("THING", value)
    assert read("THING", count, 7) == 7


def test_every_name_that_is_read_is_recorded() -> None:
    read("THING", text, "")
    read("OTHER", text, "")
    assert env.names == {"THING", "OTHER"}


@pytest.mark.parametrize(
    "value",
    ["postgres://gateway:hunter2@db.example:many/x", "nosuch://a:hunter2@b/c", "hunter2", "mysql://a:hunter2@b"],
)
def test_secret_is_not_part_of_the_message(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DATABASE_URL", value)
    with pytest.raises(ImproperlyConfigured) as refusal:
        read("DATABASE_URL", database_url.parse, {}, secret=True)
    assert "DATABASE_URL=(not shown, it is a secret): expected a database URL" in str(refusal.value)
    assert "hunter2" not in str(refusal.value)
    assert refusal.value.__suppress_context__, "the reader's own words stay out of the traceback"


def test_one_message_names_all_missing_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", " ")
    monkeypatch.setenv("THERE", "x")
    with pytest.raises(ImproperlyConfigured) as refusal:
        require(THING="Set a thing", THERE="Set it", OTHER="Set another")
    assert str(refusal.value) == "THING, OTHER are required when DJANGO_DEBUG is off. Set a thing. Set another."
    with pytest.raises(ImproperlyConfigured, match=r"^OTHER is required when DJANGO_DEBUG is off\. Set another\.$"):
        require(THERE="Set it", OTHER="Set another")
    require(THERE="Set it")


def test_file_is_read_and_the_environment_overrides_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text('THING=from the file\nOTHER_THING="quoted # text"\n# a comment\n')
    # Set and deleted, so that monkeypatch removes the variables of the file after the test.
    monkeypatch.setenv("OTHER_THING", "")
    monkeypatch.delenv("OTHER_THING")
    monkeypatch.setenv("THING", "from the environment")
    load_file(file)
    assert read("THING", text, "") == "from the environment"
    assert read("OTHER_THING", text, "") == "quoted # text"


def test_missing_file_is_ignored(tmp_path: Path) -> None:
    load_file(tmp_path / "nowhere.env")


# --- unknown names -------------------------------------------------------------------------------


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of a gateway with five settings, to which tests add variables."""
    settings = {"DJANGO_DEBUG", "SECRET_KEY", "GATEWAY_ACCESS_LIFETIME", "GATEWAY_LIMIT_OWN_PASSWORD", "GATEWAY_NAME"}
    monkeypatch.setattr(env, "names", settings)
    found = {"PATH": "/bin", "GATEWAY_NAME": "Example"}
    monkeypatch.setattr(env.os, "environ", found)
    return found


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "GATEWAY_ACESS_LIFETIME",
            "GATEWAY_ACESS_LIFETIME is not a setting. Did you mean GATEWAY_ACCESS_LIFETIME?",
        ),
        ("GATEWAY_SECRET_KEY", "GATEWAY_SECRET_KEY is not a setting. Did you mean SECRET_KEY?"),
        ("GATEWAY_XYZ", "GATEWAY_XYZ is not a setting. docs/settings.md lists all settings."),
        ("GATEWAY_", "GATEWAY_ is not a setting. docs/settings.md lists all settings."),
        ("GATEWAY_LIMIT_CHANGE_PASSWORD", "GATEWAY_LIMIT_CHANGE_PASSWORD is now GATEWAY_LIMIT_OWN_PASSWORD."),
        ("GATEWAY_LIMIT_REFRESH_RUBBISH", "GATEWAY_LIMIT_REFRESH_RUBBISH is now GATEWAY_LIMIT_INVALID_REFRESH."),
    ],
)
def test_s101_unknown_name_is_refused_with_the_nearest_known_name(
    variables: dict[str, str], name: str, message: str
) -> None:
    variables[name] = "hunter2"
    with pytest.raises(ImproperlyConfigured) as refusal:
        refuse_unknown()
    assert str(refusal.value) == message


def test_s101_all_unknown_names_are_refused_in_one_line(variables: dict[str, str]) -> None:
    variables |= {"GATEWAY_STOP_NOTICE": "5", "GATEWAY_NAMES": "Example"}
    with pytest.raises(ImproperlyConfigured) as refusal:
        refuse_unknown()
    assert str(refusal.value) == (
        "GATEWAY_NAMES is not a setting. Did you mean GATEWAY_NAME? GATEWAY_STOP_NOTICE is now GATEWAY_SHUTDOWN_DELAY."
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEWAYS", "2"),
        ("MY_GATEWAY_NAME", "Example"),
        ("DJANGO_SETTINGS_MODULE", "gateway.settings"),
        ("GATEWAY_ACESS_LIFETIME", " "),
        ("GATEWAY_ORIGIN", "https://auth.example"),
        ("GATEWAY_SERVICE_HOST", "10.0.0.1"),
        ("GATEWAY_SERVICE_PORT_HTTP", "8000"),
        ("GATEWAY_PORT", "tcp://10.0.0.1:8000"),
        ("GATEWAY_PORT_8000_TCP_ADDR", "10.0.0.1"),
        ("GATEWAY_ADMIN_PORT", "tcp://10.0.0.1:8000"),
        ("GATEWAY_ADMIN_PORT_8000_TCP", "tcp://10.0.0.1:8000"),
        ("GATEWAY_ADMIN_SERVICE_PORT", "8000"),
    ],
)
def test_s101_other_variables_are_not_refused(variables: dict[str, str], name: str, value: str) -> None:
    variables[name] = value
    refuse_unknown()


def test_s101_renamed_setting_that_still_exists_is_not_refused(variables: dict[str, str]) -> None:
    env.names.add("GATEWAY_STOP_NOTICE")
    variables["GATEWAY_STOP_NOTICE"] = "5"
    refuse_unknown()
