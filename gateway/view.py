"""/graphql: what comes over HTTP, and what goes back."""

from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from graphene_django.views import GraphQLView

from gateway import errors, media, operations, requests
from gateway.errors import BadRequest
from gateway.explorer.page import page
from gateway.operations import Budget, Outcome
from gateway.requests import Parameters


class GatewayView(GraphQLView):
    """One operation a request, or a few where batches are on, answered as GraphQL over HTTP wants it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The answer to a request, which is JSON however broken the request is, or the explorer's page."""
        try:
            kind = self._media(request)
            if kind == media.HTML:
                return page(request)
            asked = requests.read(request)
            return self._batch(request, asked) if isinstance(asked, list) else self._single(request, asked, kind)
        except BadRequest as refusal:
            # Always plain JSON: clients look for a GraphQL response in the GraphQL type alone.
            return respond({"errors": [errors.of_refusal(refusal)]}, media.JSON, refusal.status, refusal.headers)
        except SuspiciousOperation:
            # Django's own bounds, such as the number of parameters in an address.
            malformed = BadRequest("The request is not well-formed.")
            return respond({"errors": [errors.of_refusal(malformed)]}, media.JSON, malformed.status)
        except Exception as failure:
            return fail(failure, request)

    def _media(self, request: HttpRequest) -> str:
        if request.method not in {"GET", "POST"}:
            raise BadRequest("GraphQL is served by GET and POST.", 405, Allow="GET, POST")
        page_wanted = (
            request.method == "GET" and settings.GATEWAY_EXPLORER and not {"query", "extensions"} & {*request.GET}
        )
        offered = (media.JSON, media.GRAPHQL, media.HTML) if page_wanted else (media.JSON, media.GRAPHQL)
        kind = media.choose(request.META.get("HTTP_ACCEPT", ""), offered)
        if kind is None:
            raise BadRequest(f"Answers come as {media.GRAPHQL} or {media.JSON}.", 406)
        return kind

    def _single(self, request: HttpRequest, asked: Parameters, kind: str) -> HttpResponse:
        outcome = operations.run(self.schema.graphql_schema, request, asked)
        status = 200 if outcome.was_executed else media.status_of_request_error(kind)
        return respond(outcome.answer, kind, status, retry_after([outcome]))

    def _batch(self, request: HttpRequest, asked: list[Parameters]) -> HttpResponse:
        budget = Budget()
        outcomes = [operations.run(self.schema.graphql_schema, request, each, budget) for each in asked]
        # No specification knows batches: their answers are plain JSON, whatever became of each.
        return respond([outcome.answer for outcome in outcomes], media.JSON, 200, retry_after(outcomes))


def respond(answer: Any, kind: str, status: int, headers: dict[str, str] | None = None) -> HttpResponse:
    """An answer on the wire: never stored by anyone, different for whom it is asked by."""
    body = orjson.dumps(answer)
    response = HttpResponse(body, status=status, content_type=f"{kind}; charset=utf-8", headers=headers)
    response["Content-Length"] = str(len(body))
    response["Cache-Control"] = "no-store"
    response["Vary"] = "Accept, Authorization, Origin"
    # What logs and metrics may know of it.
    answers = answer if isinstance(answer, list) else [answer]
    response.told = [error["extensions"] for each in answers for error in each.get("errors", ())]  # type: ignore[attr-defined]
    return response


def fail(failure: BaseException, request: HttpRequest) -> HttpResponse:
    """What is left to say where something failed before anything was executed."""
    answer = {"errors": [errors.of_failure(failure, request)]}
    return respond(answer, media.JSON, errors.status_of(answer["errors"][0]), retry_after([Outcome(answer, False)]))


def retry_after(outcomes: list[Outcome]) -> dict[str, str]:
    """The Retry-After header of an answer in which something must wait."""
    shown = [error["extensions"] for outcome in outcomes for error in outcome.answer.get("errors", ())]
    waits = [extensions.get("retryAfter", 0) for extensions in shown]
    return {"Retry-After": str(max(waits))} if any(waits) else {}
