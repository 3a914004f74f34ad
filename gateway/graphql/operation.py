"""One operation: find its document, check that it is allowed, execute it, and make its errors public."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from graphql import ExecutionResult, GraphQLSchema, OperationType, execute_sync

from gateway.graphql import documents, errors, operation_label, persisted
from gateway.graphql.documents import Document, Operation, Refused
from gateway.graphql.errors import BadRequest, OperationUnresolved, TooComplex
from gateway.graphql.request import Parameters
from gateway.http import refresh_cookie
from gateway.http.request_info import NO_OPERATION, info
from users.errors import Refusal


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to an operation, and whether anything was executed for it."""

    answer: dict[str, Any]
    was_executed: bool


@dataclass(slots=True)
class Budget:
    """The costly fields that the operations of one batch may select together."""

    costly: int = 1

    def spend(self, operation: Operation) -> None:
        """Raise TooComplex if the batch selects more costly fields than one document may."""
        self.costly -= operation.costly_fields
        if self.costly < 0:
            raise TooComplex("costly fields", 1, 1 - self.costly)


def run(schema: GraphQLSchema, request: HttpRequest, asked: Parameters, budget: Budget | None = None) -> Outcome:
    """Return the outcome of the operation that a request asks for."""
    try:
        document = documents.load(schema, persisted.text_of(asked))
        operation = _operation(request, document, asked.operation_name)
        note(request, operation)
        if budget:
            budget.spend(operation)
        persisted.keep(asked)
    except Refused as refused:
        return _refuse(refused.errors)
    except BadRequest:
        raise
    except Refusal as refusal:
        return _refuse([errors.of_refusal(refusal)])
    result = execute_sync(
        schema,
        document.node,
        context_value=request,
        variable_values=asked.variables,
        operation_name=asked.operation_name,
        hide_suggestions=not settings.GATEWAY_INTROSPECTION,
    )
    return _public(result, request)


def note(request: HttpRequest, operation: Operation) -> None:
    """Tell logs and metrics the root field and the name of the operation."""
    known = info(request)
    # The operations of a batch share one request.
    is_same = known.operation_label in {NO_OPERATION, operation.field}
    known.operation_label = operation.field if is_same else operation_label.SEVERAL
    known.operation_name = operation.name


def _operation(request: HttpRequest, document: Document, name: str | None) -> Operation:
    operation = document.operation(name)
    if operation is None:
        raise OperationUnresolved
    if operation.kind == OperationType.SUBSCRIPTION:
        raise BadRequest("Subscriptions are not served here.")
    if request.method == "GET" and operation.kind != OperationType.QUERY:
        raise BadRequest("Mutations come by POST.", 405, Allow="POST")
    if operation.kind == OperationType.MUTATION:
        refresh_cookie.guard(request)
    return operation


def _public(result: ExecutionResult, request: HttpRequest) -> Outcome:
    if not result.errors:
        return Outcome({"data": result.data}, was_executed=True)
    shown = [errors.of_execution(each, request) for each in result.errors]
    # Variables were refused, so nothing was executed and there is no data.
    if result.data is None and all(each.path is None for each in result.errors):
        return _refuse(shown)
    return Outcome({"data": result.data, "errors": shown}, was_executed=True)


def _refuse(shown: list[dict[str, Any]]) -> Outcome:
    return Outcome({"errors": shown}, was_executed=False)
