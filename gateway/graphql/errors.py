"""GraphQL errors: every error has a code, and no error reveals an unexpected exception."""

import logging
from typing import Any

import graphql_jwt.exceptions
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest
from graphene.utils.str_converters import to_camel_case
from graphql import GraphQLError, GraphQLSyntaxError, Node, VariableDefinitionNode, VariableNode

from gateway.http.request_info import get_info
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

# The messages of graphql-core quote the request, and a response must not grow with it.
MAX_MESSAGE_LENGTH = 500
MAX_LOCATIONS = 10
# Seconds.
OUTAGE_RETRY_AFTER = 5
# The database is unreachable, locked, full, read-only or too slow.
OUTAGES = (OperationalError, InterfaceError, InternalError)
log = logging.getLogger("gateway.errors")


class BadRequest(Refusal):
    """A request that is not a valid GraphQL request, with the HTTP status and headers of its response."""

    code = ErrorCode.BAD_REQUEST

    def __init__(self, message: str, status: int = 400, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


class TooComplex(Refusal):
    """A document that exceeds a limit."""

    code = ErrorCode.OPERATION_TOO_COMPLEX

    def __init__(
        self, limit: str, allowed: int, counted: int, message: str | None = None, node: Node | None = None
    ) -> None:
        # Nested fragments can count to numbers that JSON cannot hold.
        counted = min(counted, 2**53)
        self.node = node
        message = message or _limit_message(limit, allowed, counted)
        super().__init__(message, limit=limit, allowed=allowed, counted=counted)


def _limit_message(limit: str, allowed: int, counted: int) -> str:
    if limit.endswith("depth"):
        return f"The {limit} of the document is {counted}; the limit is {allowed}."
    verb = "selects" if limit.endswith("fields") else "contains"
    return f"The document {verb} {counted} {limit}; the limit is {allowed}."


class OperationUnresolved(Refusal):
    """A document that does not determine which operation to execute."""

    code = ErrorCode.OPERATION_RESOLUTION_FAILURE


class InternalServerError(Refusal):
    """An unexpected exception. The message has the request ID, which the log has too."""

    code = ErrorCode.INTERNAL_SERVER_ERROR

    def __init__(self, request_id: str) -> None:
        message = f"The server failed. Quote the request ID {request_id} when you report this error."
        super().__init__(message, requestId=request_id)


def format_document_error(error: GraphQLError) -> dict[str, Any]:
    """Return the error of a document that cannot be executed."""
    if isinstance(error.original_error, Refusal):
        return _add_locations(error, format_refusal(error.original_error))
    is_syntax_error = isinstance(error, GraphQLSyntaxError)
    code = ErrorCode.GRAPHQL_PARSE_FAILED if is_syntax_error else ErrorCode.GRAPHQL_VALIDATION_FAILED
    return _add_locations(error, _format_message(error.message, code))


def format_execution_error(error: GraphQLError, request: HttpRequest) -> dict[str, Any]:
    """Return the error of a field, or of the variables, of an executed document."""
    cause = error.original_error
    # Errors that graphql-core raises before any field, or at a node of the document, are about the request.
    is_about_request = isinstance(cause, GraphQLError) and (error.path is None or cause.nodes)
    if cause is None or is_about_request:
        formatted = _format_message(error.message, ErrorCode.BAD_USER_INPUT)
        return _add_locations(error, _add_variable(error, formatted))
    return _add_locations(error, format_refusal(_to_refusal(cause, request)))


def format_refusal(refusal: Refusal) -> dict[str, Any]:
    """Return the message, the code and the extensions of a refusal."""
    extensions = {"code": refusal.code.name, **refusal.extensions}
    field_errors = extensions.pop("field_errors", ())
    if field_errors:
        extensions["fieldErrors"] = [_format_field_error(each) for each in field_errors]
    return {"message": refusal.message, "extensions": extensions}


def mask_exception(exception: BaseException, request: HttpRequest) -> Refusal:
    """Log an unexpected exception, and return a refusal that does not reveal it."""
    info = get_info(request)
    operation = info.operation_name or "-"
    extra = {"fields": {"operation": operation}}
    log.error("request %s failed in operation %s", info.id, operation, exc_info=exception, extra=extra)
    if isinstance(exception, OUTAGES):
        return ServiceUnavailable(OUTAGE_RETRY_AFTER)
    return InternalServerError(info.id)


def _to_refusal(exception: Exception, request: HttpRequest) -> Refusal:
    match exception:
        case Refusal():
            return exception
        case graphql_jwt.exceptions.PermissionDenied() | PermissionDenied():
            return _permission_refusal(request)
        case graphql_jwt.exceptions.JSONWebTokenExpired():
            return TokenExpired()
        case graphql_jwt.exceptions.JSONWebTokenError():
            return TokenInvalid()
    return mask_exception(exception, request)


def _permission_refusal(request: HttpRequest) -> Refusal:
    try:
        access_tokens.signed_in(get_info(request).caller or Caller())
    except Unauthenticated as refusal:
        return refusal
    return Forbidden()


def _format_field_error(error: FieldError) -> dict[str, str]:
    return {"field": to_camel_case(error.field), "code": error.code.name, "message": error.message}


def _format_message(message: str, code: ErrorCode) -> dict[str, Any]:
    return {"message": message[:MAX_MESSAGE_LENGTH], "extensions": {"code": code.name}}


def _add_variable(error: GraphQLError, formatted: dict[str, Any]) -> dict[str, Any]:
    """Add the name of the variable that is missing, null or of the wrong type."""
    match error.nodes:
        case [VariableDefinitionNode(variable=variable), *_]:
            code = FieldErrorCode.INVALID if error.original_error else FieldErrorCode.REQUIRED
        case [VariableNode() as variable, *_]:
            code = FieldErrorCode.REQUIRED
        case _:
            return formatted
    field_error = {"field": variable.name.value, "code": code.name, "message": code.value}
    formatted["extensions"]["fieldErrors"] = [field_error]
    return formatted


def _add_locations(error: GraphQLError, formatted: dict[str, Any]) -> dict[str, Any]:
    if error.locations:
        formatted["locations"] = [location.formatted for location in error.locations[:MAX_LOCATIONS]]
    if error.path is not None:
        formatted["path"] = list(error.path)
    return formatted
