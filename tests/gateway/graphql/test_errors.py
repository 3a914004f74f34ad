"""The format of GraphQL errors, and exceptions that must not be revealed."""

import logging
from collections.abc import Callable
from typing import Any

import graphql_jwt.exceptions
import pytest
from django.core.exceptions import PermissionDenied
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
)
from django.http import HttpRequest
from graphql import GraphQLError, GraphQLSyntaxError, Source, parse

from gateway.graphql import errors
from gateway.graphql.errors import BadRequest, InternalServerError, OperationUnresolved, TooComplex
from gateway.http.request_info import RequestInfo
from gateway.http.responses import failure_response, graphql_errors
from tests.api import PASSWORD, Api
from users.caller import Caller
from users.errors import (
    Conflict,
    ErrorCode,
    FieldError,
    FieldErrorCode,
    Forbidden,
    InvalidCredentials,
    InvalidInput,
    NotFound,
    RateLimited,
    Reason,
    Refusal,
    ServiceUnavailable,
    TokenExpired,
    TokenInvalid,
    TokenReused,
    Unauthenticated,
)

SECRET = "secret text"


@pytest.fixture
def request_() -> Any:
    """An anonymous request."""
    request: Any = HttpRequest()
    request.gateway = RequestInfo(id="request-12345", caller=Caller())
    return request


def raised(cause: Exception, **more: Any) -> GraphQLError:
    """Return the error that graphql-core makes of an exception in a field."""
    return GraphQLError(str(cause), path=["me", 0], original_error=cause, **more)


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "extensions"),
    [
        (Unauthenticated(Reason.TOKEN_EXPIRED), {"code": "UNAUTHENTICATED", "reason": "TOKEN_EXPIRED"}),
        (Forbidden(), {"code": "FORBIDDEN"}),
        (InvalidCredentials(field="oldPassword"), {"code": "INVALID_CREDENTIALS", "field": "oldPassword"}),
        (RateLimited(7), {"code": "RATE_LIMITED", "retryAfter": 7}),
        (TokenInvalid(), {"code": "TOKEN_INVALID"}),
        (TokenExpired(), {"code": "TOKEN_EXPIRED"}),
        (TokenReused(), {"code": "TOKEN_REUSED"}),
        (Conflict(), {"code": "CONFLICT"}),
        (NotFound(), {"code": "NOT_FOUND"}),
        (BadRequest("No."), {"code": "BAD_REQUEST"}),
        (OperationUnresolved(), {"code": "OPERATION_RESOLUTION_FAILURE"}),
        (TooComplex("x", 1, 2), {"code": "OPERATION_TOO_COMPLEX", "limit": "x", "allowed": 1, "counted": 2}),
        (TooComplex("x", 1, 2**99), {"code": "OPERATION_TOO_COMPLEX", "limit": "x", "allowed": 1, "counted": 2**53}),
        (ServiceUnavailable(3), {"code": "SERVICE_UNAVAILABLE", "retryAfter": 3}),
        (InternalServerError("abc"), {"code": "INTERNAL_SERVER_ERROR", "requestId": "abc"}),
        (
            InvalidInput(FieldError("full_name", FieldErrorCode.TOO_LONG, "Too long.")),
            {
                "code": "BAD_USER_INPUT",
                "fieldErrors": [{"field": "fullName", "code": "TOO_LONG", "message": "Too long."}],
            },
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Refusal) else "",
)
def test_refusal_has_message_code_and_extensions(refusal: Refusal, extensions: dict[str, Any]) -> None:
    shown = {"message": refusal.message, "extensions": extensions}
    assert errors.format_refusal(refusal) == shown
    assert shown["message"]


def test_refusal_can_be_formatted_twice() -> None:
    refusal = InvalidInput(FieldError("bio", FieldErrorCode.TOO_LONG, "Too long."))
    assert errors.format_refusal(refusal) == errors.format_refusal(refusal)


def test_refusal_of_a_field_has_path_and_location(request_: Any) -> None:
    (field,) = parse("{\n  me }").definitions[0].selection_set.selections
    shown = errors.format_execution_error(raised(NotFound(), nodes=[field]), request_)
    assert (shown["path"], shown["locations"]) == (["me", 0], [{"line": 2, "column": 3}])
    assert shown["extensions"] == {"code": "NOT_FOUND"}


# --- other exceptions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (RuntimeError(SECRET), "INTERNAL_SERVER_ERROR"),
        (KeyError(SECRET), "INTERNAL_SERVER_ERROR"),
        (AssertionError(SECRET), "INTERNAL_SERVER_ERROR"),
        (GraphQLError(SECRET), "INTERNAL_SERVER_ERROR"),
        (OperationalError(SECRET), "SERVICE_UNAVAILABLE"),
        (InterfaceError(SECRET), "SERVICE_UNAVAILABLE"),
        (PermissionDenied(SECRET), "UNAUTHENTICATED"),
        (graphql_jwt.exceptions.PermissionDenied(SECRET), "UNAUTHENTICATED"),
        (graphql_jwt.exceptions.JSONWebTokenExpired(SECRET), "TOKEN_EXPIRED"),
        (graphql_jwt.exceptions.JSONWebTokenError(SECRET), "TOKEN_INVALID"),
    ],
    ids=repr,
)
def test_s73_exception_messages_are_not_revealed(request_: Any, cause: Exception, code: str) -> None:
    shown = errors.format_execution_error(raised(cause), request_)
    assert shown["extensions"]["code"] == code
    assert SECRET not in str(shown)


def test_s73_masked_exception_is_logged_with_its_request_id(request_: Any, caplog: pytest.LogCaptureFixture) -> None:
    refusal = errors.mask_exception(RuntimeError(SECRET), request_)
    assert refusal.extensions == {"requestId": "request-12345"}
    (record,) = caplog.records
    assert (record.levelno, record.name) == (logging.ERROR, "gateway.errors")
    assert "request-12345" in record.getMessage()
    assert SECRET in caplog.text


def test_refusal_is_not_logged_as_an_error(request_: Any, caplog: pytest.LogCaptureFixture) -> None:
    errors.format_execution_error(raised(NotFound()), request_)
    errors.format_execution_error(raised(PermissionDenied()), request_)
    assert not caplog.records


def test_missing_permission_of_a_signed_in_user_is_forbidden(api: Api, request_: Any) -> None:
    request_.gateway.caller = Caller(token=api.new_member().token)
    assert errors.format_execution_error(raised(PermissionDenied()), request_)["extensions"] == {"code": "FORBIDDEN"}


# --- errors of graphql-core ----------------------------------------------------------------------


def test_messages_and_locations_of_the_engine_are_limited() -> None:
    many = GraphQLError("x" * 2_000, source=Source("y" * 500), positions=list(range(300)))
    shown = errors.format_document_error(many)
    assert len(shown["message"]) == errors.MAX_MESSAGE_LENGTH
    assert len(shown["locations"]) == errors.MAX_LOCATIONS
    assert shown["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}


def test_parse_and_validation_errors_have_different_codes() -> None:
    syntax = GraphQLSyntaxError(Source("{"), 1, "Expected more")
    assert errors.format_document_error(syntax)["extensions"] == {"code": "GRAPHQL_PARSE_FAILED"}
    refused = GraphQLError("", original_error=TooComplex("depth", 1, 2))
    assert errors.format_document_error(refused)["extensions"]["limit"] == "depth"


SIGN_IN = 'mutation ($u: String{} = "a") {{ tokenAuth(username: $u, password: "b") {{ token }} }}'


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        pytest.param("query ($a: Boolean!) { __typename @skip(if: $a) }", {}, id="missing"),
        pytest.param("query ($a: Boolean!) { __typename @skip(if: $a) }", {"a": None}, id="null"),
        pytest.param("query ($a: Boolean!) { __typename @skip(if: $a) }", {"a": "x" * 50_000}, id="of another type"),
        pytest.param("query ($a: Boolean!) { __typename @skip(if: $a) }", {"a": {"b": []}}, id="an object"),
        pytest.param("query ($a: Boolean = true) { __typename @skip(if: $a) }", {"a": None}, id="null in a directive"),
        pytest.param(SIGN_IN.format(""), {"u": None}, id="null over a default"),
        pytest.param(SIGN_IN.format("!"), {"u": 7}, id="a number for a text"),
        pytest.param(SIGN_IN.format("!"), {"u": 10**18}, id="a large number for a text"),
        pytest.param("mutation ($a: ID!) { endSession(id: $a) { ended } }", {"a": 1.5}, id="no id"),
    ],
)
def test_s73_invalid_variable_is_a_user_input_error(
    api: Api, caplog: pytest.LogCaptureFixture, query: str, variables: dict[str, Any]
) -> None:
    answer = api(query, variables)
    assert answer.code == "BAD_USER_INPUT"
    assert len(answer.response.content) < 1_000
    assert not caplog.records


def test_response_to_many_invalid_variables_is_short(api: Api) -> None:
    wanted = ", ".join(f"$a{n}: Boolean!" for n in range(60))
    used = " ".join(f"{('id', 'username', 'email')[n % 3]} @skip(if: $a{n})" for n in range(60))
    answer = api(f"query ({wanted}) {{ me {{ {used} }} }}", {f"a{n}": "x" * 900 for n in range(60)})
    assert {error["extensions"]["code"] for error in answer.json["errors"]} == {"BAD_USER_INPUT"}
    assert len(answer.response.content) < 50_000


# --- error codes ---------------------------------------------------------------------------------

REQUESTS: dict[str, Callable[[Api], Any]] = {
    "UNAUTHENTICATED": lambda api: api.me(),
    "INVALID_CREDENTIALS": lambda api: api.sign_in("nobody", "wrong"),
    "BAD_USER_INPUT": lambda api: api.register("", "", ""),
    "TOKEN_INVALID": lambda api: api.refresh("nonsense"),
    "NOT_FOUND": lambda api: api.new_member()('mutation { endSession(id: "x") { ended } }'),
    "GRAPHQL_PARSE_FAILED": lambda api: api("{"),
    "GRAPHQL_VALIDATION_FAILED": lambda api: api("{ nothing }"),
    "OPERATION_TOO_COMPLEX": lambda api: api("{" + "me { id } " * 50 + "}"),
    "OPERATION_RESOLUTION_FAILURE": lambda api: api("query a { __typename } query b { __typename }"),
    "BAD_REQUEST": lambda api: api.post(b"{"),
    "PERSISTED_QUERY_NOT_FOUND": lambda api: api.get(
        extensions='{"persistedQuery": {"version": 1, "sha256Hash": "%s"}}' % ("0" * 64)
    ),
}


@pytest.mark.parametrize("code", REQUESTS)
def test_s73_every_error_has_a_code_of_the_schema(api: Api, code: str) -> None:
    errors_ = REQUESTS[code](api).json["errors"]
    assert [error["extensions"]["code"] for error in errors_] == [code]
    assert code in ErrorCode.__members__
    assert all(error["message"] and PASSWORD not in error["message"] for error in errors_)


# --- outages -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "code", "status"),
    [
        (OperationalError(SECRET), "SERVICE_UNAVAILABLE", 503),
        (InterfaceError(SECRET), "SERVICE_UNAVAILABLE", 503),
        # PostgreSQL raises it for writes to a read-only replica and for idle transactions.
        (InternalError(SECRET), "SERVICE_UNAVAILABLE", 503),
        (IntegrityError(SECRET), "INTERNAL_SERVER_ERROR", 500),
        (ProgrammingError(SECRET), "INTERNAL_SERVER_ERROR", 500),
        (DataError(SECRET), "INTERNAL_SERVER_ERROR", 500),
        (DatabaseError(SECRET), "INTERNAL_SERVER_ERROR", 500),
        (RuntimeError(SECRET), "INTERNAL_SERVER_ERROR", 500),
    ],
    ids=repr,
)
def test_f09_database_outage_is_503_and_wrong_statement_is_500(
    request_: Any, failure: Exception, code: str, status: int
) -> None:
    response = failure_response(failure, request_)
    assert (graphql_errors(response)[0]["code"], response.status_code) == (code, status)
    assert ("Retry-After" in response) == (status == 503)
    assert SECRET not in response.content.decode()
