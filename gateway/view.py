"""POST /graphql: body, document, limits, execution, public errors."""

import logging
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from graphene_django.views import GraphQLView
from graphql import (
    DocumentNode,
    ExecutionResult,
    OperationDefinitionNode,
    OperationType,
    execute,
    get_operation_ast,
)

from gateway import errors, media, requests
from gateway.documents import Documents, Refused
from gateway.errors import BadRequest, OperationUnresolved
from gateway.explorer.page import page
from gateway.requests import Parameters

log = logging.getLogger("gateway.view")
documents = Documents()


class GatewayView(GraphQLView):
    """One operation a request, answered as GraphQL over HTTP wants it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The answer to a request, which is JSON however broken the request is, or the explorer's page."""
        try:
            kind = self._media(request)
            if kind == media.HTML:
                return page(request)
            return self._answer(request, requests.read(request), kind)
        except BadRequest as refusal:
            # Always plain JSON: clients look for a GraphQL response in the GraphQL type alone.
            return respond({"errors": [errors.of_refusal(refusal)]}, media.JSON, refusal.status, refusal.headers)
        except Exception as failure:
            return respond({"errors": [errors.of_failure(failure, request)]}, media.JSON, 500)

    def _media(self, request: HttpRequest) -> str:
        if request.method not in {"GET", "POST"}:
            raise BadRequest("GraphQL is served by GET and POST.", 405, Allow="GET, POST")
        page_wanted = settings.GATEWAY_EXPLORER and request.method == "GET" and "query" not in request.GET
        offered = (media.JSON, media.GRAPHQL, media.HTML) if page_wanted else (media.JSON, media.GRAPHQL)
        kind = media.choose(request.META.get("HTTP_ACCEPT", ""), offered)
        if kind is None:
            raise BadRequest(f"Answers come as {media.GRAPHQL} or {media.JSON}.", 406)
        return kind

    def _answer(self, request: HttpRequest, asked: Parameters, kind: str) -> HttpResponse:
        try:
            document = documents.load(self.schema.graphql_schema, self._text(asked))
            operation = self._operation(request, document, asked.operation_name)
        except Refused as refused:
            return self._refuse(kind, [errors.of_document(each) for each in refused.errors])
        except OperationUnresolved as refusal:
            return self._refuse(kind, [errors.of_refusal(refusal)])
        result = self.execute_document(request, document, operation, asked)
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = [errors.of_execution(each, request) for each in result.errors]
            # Variables that do not fit: nothing was executed, so there is no data to speak of.
            if result.data is None and all(each.path is None for each in result.errors):
                return self._refuse(kind, answer["errors"])
        return respond(answer, kind, 200, retry_after(answer))

    def _text(self, asked: Parameters) -> str:
        if not asked.query:
            raise BadRequest("The request has no `query`.")
        return asked.query

    def _operation(self, request: HttpRequest, document: DocumentNode, name: str | None) -> OperationDefinitionNode:
        operation = get_operation_ast(document, name)
        if operation is None:
            raise OperationUnresolved
        if operation.operation == OperationType.SUBSCRIPTION:
            raise BadRequest("Subscriptions are not served here.")
        if request.method == "GET" and operation.operation != OperationType.QUERY:
            raise BadRequest("Mutations come by POST.", 405, Allow="POST")
        return operation

    def execute_document(
        self,
        request: HttpRequest,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        asked: Parameters,
    ) -> ExecutionResult:
        """The result of one operation of a valid document; no middleware runs for each field."""
        result = execute(
            self.schema.graphql_schema,
            document,
            context_value=request,
            variable_values=asked.variables,
            operation_name=operation.name.value if operation.name else None,
            hide_suggestions=not settings.GATEWAY_INTROSPECTION,
        )
        assert isinstance(result, ExecutionResult), "no resolver is asynchronous"
        return result

    def _refuse(self, kind: str, shown: list[dict[str, Any]]) -> HttpResponse:
        return respond({"errors": shown}, kind, media.status_of_request_error(kind))


def respond(answer: dict[str, Any], kind: str, status: int, headers: dict[str, str] | None = None) -> HttpResponse:
    """An answer on the wire: never stored by anyone, different for whom it is asked by."""
    body = orjson.dumps(answer)
    response = HttpResponse(body, status=status, content_type=f"{kind}; charset=utf-8", headers=headers)
    response["Content-Length"] = str(len(body))
    response["Cache-Control"] = "no-store"
    response["Vary"] = "Accept, Authorization, Origin"
    return response


def retry_after(answer: dict[str, Any]) -> dict[str, str]:
    """The Retry-After header of an answer in which something must wait."""
    waits = [each["extensions"].get("retryAfter", 0) for each in answer.get("errors", ())]
    return {"Retry-After": str(max(waits))} if any(waits) else {}
