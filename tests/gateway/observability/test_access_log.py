"""The access log: one line per response, without secrets."""

import logging
from typing import Any

import orjson
import pytest
from django.db import IntegrityError, InterfaceError, OperationalError
from django.test import Client

from gateway.observability import access_log
from tests.api import Api


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Any:
    """Return the fields of all lines so far."""
    monkeypatch.setattr(access_log.log, "disabled", False)
    caplog.set_level(logging.INFO, access_log.log.name)
    return lambda: [vars(record) | record.fields for record in caplog.records if record.name == access_log.log.name]


def test_line_has_the_operation_and_its_cost(api: Api, lines: Any) -> None:
    member = api.new_member()
    member("query Me { me { username } }")
    line = lines()[-1]
    shown = {name: line[name] for name in ("method", "path", "status", "operation", "codes", "statements", "client")}
    assert shown == {
        "method": "POST",
        "path": "/graphql",
        "status": 200,
        "operation": "Me",
        "codes": [],
        "statements": 1,
        "client": "127.0.0.1",
    }
    assert 0 < line["ms"] < 5_000


def test_line_has_the_request_id(api: Api, lines: Any) -> None:
    api.me(X_Request_Id="request-12345")
    assert lines()[-1]["request"] == "request-12345"


def test_line_has_the_error_codes(api: Api, lines: Any) -> None:
    api.me()
    api("{")
    api("{ " + " ".join(f"a{n}: me {{ id }}" for n in range(12)) + " }")
    codes = [line["codes"] for line in lines()]
    assert codes == [["UNAUTHENTICATED"], ["GRAPHQL_PARSE_FAILED"], ["UNAUTHENTICATED"] * access_log.MAX_CODES]


def test_line_of_a_batch_has_all_statements_and_codes(api: Api, lines: Any, settings: Any) -> None:
    settings.GATEWAY_MAX_BATCH = 3
    api.post(orjson.dumps([{"query": "{ me { id } }"}, {"query": "{"}, {"query": "{ __typename }"}]))
    assert lines()[-1]["codes"] == ["UNAUTHENTICATED", "GRAPHQL_PARSE_FAILED"]


def test_s90_s91_query_string_is_not_logged(client: Client, lines: Any) -> None:
    client.get("/graphql%0Aforged", {"query": "{ secret }", "variables": '{"p": "hunter2"}'})
    (line,) = lines()
    assert (line["path"], line["status"], line["operation"]) == ("/graphql\nforged", 404, None)
    assert not [name for name, value in line.items() if "secret" in str(value) or "hunter2" in str(value)]


def test_successful_probes_are_logged_at_debug_only(
    client: Client, db: None, lines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.get("/healthz")
    client.get("/readyz")
    assert not lines()
    monkeypatch.setattr("gateway.http.health.is_stopping", lambda: True)
    client.get("/readyz")
    assert [line["status"] for line in lines()] == [503]


def test_higher_log_level_writes_no_access_log(client: Client, lines: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, access_log.log.name)
    client.get("/healthz")
    assert not lines()


@pytest.mark.parametrize("outage", [OperationalError, InterfaceError])
def test_f07_request_waits_only_once_for_a_silent_database(outage: type[Exception]) -> None:
    statements, sent = access_log.StatementCounter(), []

    def execute(sql: str, *more: Any) -> str:
        sent.append(sql)
        if sql == "slow":
            raise outage
        return sql

    assert statements(execute, "quick", [], False, {}) == "quick"
    for sql in ("slow", "slow", "quick"):
        with pytest.raises((OperationalError, InterfaceError)):
            statements(execute, sql, [], False, {})
    assert sent == ["quick", "slow"]
    assert statements.count == 2


def test_data_errors_do_not_stop_further_statements() -> None:
    statements = access_log.StatementCounter()

    def refuse(*given: Any) -> None:
        raise IntegrityError

    with pytest.raises(IntegrityError):
        statements(refuse, "INSERT", [], False, {})
    assert statements(lambda sql, *more: sql, "SELECT", [], False, {}) == "SELECT"
