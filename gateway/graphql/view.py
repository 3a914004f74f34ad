"""The GraphQL endpoint: GraphQL over HTTP, one operation per request unless batches are on."""

from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from graphene_django.views import GraphQLView

from gateway.graphiql.page import page
from gateway.graphql import operation
from gateway.graphql.errors import BadRequest
from gateway.graphql.operation import BatchLimit
from gateway.graphql.request import Parameters, read_request
from gateway.http import content_negotiation
from gateway.http.content_negotiation import GRAPHQL, HTML, JSON
from gateway.http.responses import failure_response, graphql_response, refusal_response


class GatewayView(GraphQLView):
    """Answers every request in JSON. A browser gets the GraphiQL page if GATEWAY_EXPLORER is on."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return the response to a request."""
        try:
            media_type = self._negotiate(request)
            if media_type == HTML:
                return page(request)
            parameters = read_request(request)
            if isinstance(parameters, list):
                return self._execute_batch(request, parameters)
            return self._execute(request, parameters, media_type)
        except BadRequest as refusal:
            return refusal_response(refusal, refusal.status, refusal.headers)
        except SuspiciousOperation:
            # Raised by Django, for example for too many parameters in the URL.
            return refusal_response(BadRequest("The request is malformed, or its URL has too many parameters."), 400)
        except Exception as exception:
            return failure_response(exception, request)

    def _negotiate(self, request: HttpRequest) -> str:
        if request.method not in {"GET", "POST"}:
            raise BadRequest("Send GraphQL requests by GET or POST.", 405, Allow="GET, POST")
        offered: tuple[str, ...] = (JSON, GRAPHQL)
        if request.method == "GET" and settings.GATEWAY_EXPLORER and not {"query", "extensions"} & {*request.GET}:
            offered = (*offered, HTML)
        media_type = content_negotiation.negotiate(request.META.get("HTTP_ACCEPT", ""), offered)
        if media_type is None:
            raise BadRequest(f"The Accept header must allow {GRAPHQL} or {JSON}.", 406)
        return media_type

    def _execute(self, request: HttpRequest, parameters: Parameters, media_type: str) -> HttpResponse:
        outcome = operation.run(self.schema.graphql_schema, request, parameters)
        status = 200 if outcome.was_executed else content_negotiation.request_error_status(media_type)
        return graphql_response([outcome.result], media_type=media_type, status=status)

    def _execute_batch(self, request: HttpRequest, batch: list[Parameters]) -> HttpResponse:
        batch_limit = BatchLimit()
        outcomes = [operation.run(self.schema.graphql_schema, request, each, batch_limit) for each in batch]
        # No specification covers batches, so their response is plain JSON with status 200.
        return graphql_response([outcome.result for outcome in outcomes], is_batch=True)
