"""One operation: its document found, its kind allowed, executed, and its errors made public."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
)

from gateway import cookies, errors, execution, limits, persisted, roots
from gateway.documents import Document, Documents, Operation, Refused
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
        note(request, operation)
        if budget:
            budget.spend(document.node, operation.node)
        persisted.keep(asked)
    except Refused as refused:
        return _refuse([errors.of_document(each) for each in refused.errors])
    except BadRequest:
        raise
    except Refusal as refusal:
        return _refuse([errors.of_refusal(refusal)])
    return _public(execution.execute(schema, request, operation, asked.variables or {}), request)


def note(request: HttpRequest, operation: Operation) -> None:
    """Let logs and metrics know what a request is about."""
    # A batch comes by here more than once.
    is_first = getattr(request, "field", operation.field) == operation.field
    request.field = operation.field if is_first else roots.SEVERAL  # type: ignore[attr-defined]
    request.operation_name = operation.name or "-"  # type: ignore[attr-defined]


def _operation(request: HttpRequest, document: Document, name: str | None) -> Operation:
    operation = document.operation(name)
    if operation is None:
        raise OperationUnresolved
    kind = operation.node.operation
    if kind == OperationType.SUBSCRIPTION:
        raise BadRequest("Subscriptions are not served here.")
    if request.method == "GET" and kind != OperationType.QUERY:
        raise BadRequest("Mutations come by POST.", 405, Allow="POST")
    if kind == OperationType.MUTATION:
        cookies.guard(request)
    return operation


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
