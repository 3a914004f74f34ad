"""Errors as clients see them: every one with a code, none with the server's own words in it."""

import logging
from typing import Any

import graphql_jwt.exceptions
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest
from graphene.utils.str_converters import to_camel_case
from graphql import GraphQLError, GraphQLSyntaxError, Node, VariableDefinitionNode, VariableNode

from gateway.http.request_info import info
from users.caller import Caller
from users.errors import (
    ErrorCode,
    FieldError,
    FieldErrorCode,
    Forbidden,
    Refusal,
    ServiceUnavailable,
    TokenExpired,
    TokenInvalid,
    Unauthenticated,
)
from users.sessions import access_tokens

LONGEST_MESSAGE = 500
MOST_PLACES = 10
RETRY_AFTER = 5
# The database is away, locked, full, read-only or too slow; nobody wrote a wrong statement.
OUTAGES = (OperationalError, InterfaceError, InternalError)
log = logging.getLogger("gateway.errors")


class BadRequest(Refusal):
    """A request that is no GraphQL request, and the HTTP status that says why."""

    code = ErrorCode.BAD_REQUEST

    def __init__(self, message: str, status: int = 400, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


class TooComplex(Refusal):
    """A document that asks for more than a limit allows."""

    code = ErrorCode.OPERATION_TOO_COMPLEX

    def __init__(
        self, limit: str, allowed: int, counted: int, message: str | None = None, node: Node | None = None
    ) -> None:
        # Nested fragments can count to numbers that JSON cannot hold.
        counted = min(counted, 2**53)
        self.node = node
        super().__init__(message or _sentence(limit, allowed, counted), limit=limit, allowed=allowed, counted=counted)


def _sentence(limit: str, allowed: int, counted: int) -> str:
    if limit.endswith("depth"):
        return f"The {limit} of the document is {counted}; the limit is {allowed}."
    verb = "selects" if limit.endswith("fields") else "contains"
    return f"The document {verb} {counted} {limit}; the limit is {allowed}."


class OperationUnresolved(Refusal):
    """A document of which it does not show what to execute."""

    code = ErrorCode.OPERATION_RESOLUTION_FAILURE


class Failed(Refusal):
    """A fault of the gateway's own."""

    code = ErrorCode.INTERNAL_SERVER_ERROR

    def __init__(self, request_id: str) -> None:
        super().__init__(f"The server failed; quote {request_id}.", requestId=request_id)


def of_document(error: GraphQLError) -> dict[str, Any]:
    """An error of a document that did not come to be executed."""
    if isinstance(error.original_error, Refusal):
        return _with_places(error, of_refusal(error.original_error))
    parsed = not isinstance(error, GraphQLSyntaxError)
    code = ErrorCode.GRAPHQL_VALIDATION_FAILED if parsed else ErrorCode.GRAPHQL_PARSE_FAILED
    return _with_places(error, _told(error.message, code))


def of_execution(error: GraphQLError, request: HttpRequest) -> dict[str, Any]:
    """An error of a document that was executed: a field's own, or one of the variables."""
    cause = error.original_error
    # One of the engine's own, before any field or at a place in the document, speaks of what was asked.
    asked = isinstance(cause, GraphQLError) and (error.path is None or cause.nodes)
    if cause is None or asked:
        return _with_places(error, _with_variable(error, _told(error.message, ErrorCode.BAD_USER_INPUT)))
    return _with_places(error, of_refusal(_as_refusal(cause, request)))


def of_refusal(refusal: Refusal) -> dict[str, Any]:
    """A refusal: its message, its code, and what the client may act on."""
    extensions = {"code": refusal.code.name, **refusal.extensions}
    errors = extensions.pop("field_errors", ())
    if errors:
        extensions["fieldErrors"] = [_field_error(each) for each in errors]
    return {"message": refusal.message, "extensions": extensions}


def of_failure(failure: BaseException, request: HttpRequest) -> dict[str, Any]:
    """Anything that no rule raised: told to the log, masked to the client."""
    return of_refusal(_masked(failure, request))


def status_of(shown: dict[str, Any]) -> int:
    """The HTTP status of a failure before which nothing was executed."""
    return 503 if shown["extensions"]["code"] == ErrorCode.SERVICE_UNAVAILABLE.name else 500


def _as_refusal(cause: Exception, request: HttpRequest) -> Refusal:
    match cause:
        case Refusal():
            return cause
        case graphql_jwt.exceptions.PermissionDenied() | PermissionDenied():
            return _not_permitted(request)
        case graphql_jwt.exceptions.JSONWebTokenExpired():
            return TokenExpired()
        case graphql_jwt.exceptions.JSONWebTokenError():
            return TokenInvalid()
    return _masked(cause, request)


def _not_permitted(request: HttpRequest) -> Refusal:
    try:
        access_tokens.signed_in(info(request).caller or Caller())
    except Unauthenticated as refusal:
        return refusal
    return Forbidden()


def _masked(failure: BaseException, request: HttpRequest) -> Refusal:
    request_id, operation = info(request).id, info(request).operation_name or "-"
    extra = {"fields": {"operation": operation}}
    log.error("request %s failed in operation %s", request_id, operation, exc_info=failure, extra=extra)
    if isinstance(failure, OUTAGES):
        return ServiceUnavailable(RETRY_AFTER)
    return Failed(request_id)


def _field_error(error: FieldError) -> dict[str, str]:
    return {"field": to_camel_case(error.field), "code": error.code.name, "message": error.message}


def _told(message: str, code: ErrorCode) -> dict[str, Any]:
    # The message may quote what the client sent; an answer must not grow with it.
    return {"message": message[:LONGEST_MESSAGE], "extensions": {"code": code.name}}


def _with_variable(error: GraphQLError, shown: dict[str, Any]) -> dict[str, Any]:
    """Name the variable that is missing, null or of the wrong type."""
    match error.nodes:
        case [VariableDefinitionNode(variable=variable), *_]:
            code = FieldErrorCode.INVALID if error.original_error else FieldErrorCode.REQUIRED
        case [VariableNode() as variable, *_]:
            code = FieldErrorCode.REQUIRED
        case _:
            return shown
    wrong = {"field": variable.name.value, "code": code.name, "message": code.value}
    shown["extensions"]["fieldErrors"] = [wrong]
    return shown


def _with_places(error: GraphQLError, shown: dict[str, Any]) -> dict[str, Any]:
    if error.locations:
        shown["locations"] = [place.formatted for place in error.locations[:MOST_PLACES]]
    if error.path is not None:
        shown["path"] = list(error.path)
    return shown
