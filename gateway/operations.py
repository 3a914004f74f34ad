"""One operation: its document found, its kind allowed, executed, and its errors made public."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    execute_sync,
    get_operation_ast,
)

from gateway import cookies, errors, limits, persisted, roots
from gateway.documents import Documents, Refused
from gateway.errors import BadRequest, OperationUnresolved, TooComplex
from gateway.requests import Parameters
from users.errors import Refusal

documents = Documents()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to answer, and whether anything was executed for it."""

    answer: dict[str, Any]
    was_executed: bool


@dataclass(slots=True)
class Budget:
    """What the operations of one batch may cost together: a batch is no way around a limit of a document."""

    costly: int = 1

    def spend(self, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        """Refuse a second operation that costs what a document may have once."""
        self.costly -= limits.count_costly(document, operation)
        if self.costly < 0:
            raise TooComplex("costly fields", 1, 1 - self.costly)


def run(schema: GraphQLSchema, request: HttpRequest, asked: Parameters, budget: Budget | None = None) -> Outcome:
    """The outcome of what a request asks for."""
    try:
        document = documents.load(schema, persisted.text_of(asked))
        operation = _operation(request, document, asked.operation_name)
        roots.note(request, document, operation)
        if budget:
            budget.spend(document, operation)
        persisted.keep(asked)
    except Refused as refused:
        return _refuse([errors.of_document(each) for each in refused.errors])
    except BadRequest:
        raise
    except Refusal as refusal:
        return _refuse([errors.of_refusal(refusal)])
    return _public(_execute(schema, request, document, operation, asked.variables), request)


def _operation(request: HttpRequest, document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operation = get_operation_ast(document, name)
    if operation is None:
        raise OperationUnresolved
    if operation.operation == OperationType.SUBSCRIPTION:
        raise BadRequest("Subscriptions are not served here.")
    if request.method == "GET" and operation.operation != OperationType.QUERY:
        raise BadRequest("Mutations come by POST.", 405, Allow="POST")
    if operation.operation == OperationType.MUTATION:
        cookies.guard(request)
    return operation


def _execute(
    schema: GraphQLSchema,
    request: HttpRequest,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: dict[str, Any] | None,
) -> ExecutionResult:
    # No resolver is asynchronous, and so none is asked whether it is.
    return execute_sync(
        schema,
        document,
        context_value=request,
        variable_values=variables,
        operation_name=operation.name.value if operation.name else None,
        hide_suggestions=not settings.GATEWAY_INTROSPECTION,
    )


def _public(result: ExecutionResult, request: HttpRequest) -> Outcome:
    if not result.errors:
        return Outcome({"data": result.data}, was_executed=True)
    shown = [errors.of_execution(each, request) for each in result.errors]
    # Variables that do not fit: nothing was executed, so there is no data to speak of.
    if result.data is None and all(each.path is None for each in result.errors):
        return _refuse(shown)
    return Outcome({"data": result.data, "errors": shown}, was_executed=True)


def _refuse(shown: list[dict[str, Any]]) -> Outcome:
    return Outcome({"errors": shown}, was_executed=False)
