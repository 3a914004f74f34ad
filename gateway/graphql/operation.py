"""Executes one operation: loads its document, checks that it is allowed, and formats its errors."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from graphql import ExecutionResult, GraphQLSchema, OperationType, execute_sync

from gateway.graphql import documents, errors, operation_label, persisted
from gateway.graphql.documents import Document, DocumentError, Operation
from gateway.graphql.errors import BadRequest, OperationUnresolved, TooComplex
from gateway.graphql.request import Parameters
from gateway.http.refresh_cookie import require_trusted_origin
from gateway.http.request_info import NO_OPERATION, get_info
from users.errors import Refusal


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an operation in GraphQL's response format, and whether the operation was executed."""

    result: dict[str, Any]
    was_executed: bool


@dataclass(slots=True)
class BatchLimit:
    """Limits the costly fields of a batch: all its operations together may select one."""

    remaining: int = 1

    def check(self, operation: Operation) -> None:
        """Raise TooComplex if the operations so far select more than one costly field."""
        self.remaining -= operation.costly_fields
        if self.remaining < 0:
            raise TooComplex("costly fields", 1, 1 - self.remaining)


def run(
    schema: GraphQLSchema, request: HttpRequest, parameters: Parameters, batch_limit: BatchLimit | None = None
) -> Outcome:
    """Execute the operation of a request."""
    try:
        document = documents.load(schema, persisted.get_text(parameters))
        operation = _get_operation(request, document, parameters.operation_name)
        set_operation(request, operation)
        if batch_limit:
            batch_limit.check(operation)
        persisted.cache_text(parameters)
    except DocumentError as error:
        return _not_executed(error.errors)
    except BadRequest:
        raise
    except Refusal as refusal:
        return _not_executed([errors.format_refusal(refusal)])
    result = execute_sync(
        schema,
        document.node,
        context_value=request,
        variable_values=parameters.variables,
        operation_name=parameters.operation_name,
        hide_suggestions=not settings.GATEWAY_INTROSPECTION,
    )
    return _executed(result, request)


def set_operation(request: HttpRequest, operation: Operation) -> None:
    """Set the operation of `request.gateway`, for logs, metrics and traces."""
    info = get_info(request)
    # The operations of a batch share one request.
    is_same = info.operation_label in {NO_OPERATION, operation.label}
    info.operation_label = operation.label if is_same else operation_label.SEVERAL
    info.operation_name = operation.name


def _get_operation(request: HttpRequest, document: Document, name: str | None) -> Operation:
    operation = document.operation(name)
    if operation is None:
        raise OperationUnresolved(
            "Several operations in the document: set operationName."
            if name is None
            else "No operation in the document has the name in operationName."
        )
    if operation.kind == OperationType.SUBSCRIPTION:
        raise BadRequest("The gateway does not support subscriptions.")
    if request.method == "GET" and operation.kind != OperationType.QUERY:
        raise BadRequest("Send mutations by POST.", 405, Allow="POST")
    if operation.kind == OperationType.MUTATION:
        require_trusted_origin(request)
    return operation


def _executed(result: ExecutionResult, request: HttpRequest) -> Outcome:
    if not result.errors:
        return Outcome({"data": result.data}, was_executed=True)
    formatted = [errors.format_execution_error(each, request) for each in result.errors]
    # The variables are invalid, so nothing was executed.
    if result.data is None and all(each.path is None for each in result.errors):
        return _not_executed(formatted)
    return Outcome({"data": result.data, "errors": formatted}, was_executed=True)


def _not_executed(formatted: list[dict[str, Any]]) -> Outcome:
    return Outcome({"errors": formatted}, was_executed=False)
