"""Prometheus metrics of GraphQL requests. Labels never contain text of a client."""

from functools import lru_cache

from django.http import HttpRequest, HttpResponseBase
from prometheus_client import Counter, Histogram

from gateway.http.request_info import get_info
from gateway.http.responses import graphql_errors
from users.metrics import registry

GRAPHQL_PATHS = {"/graphql", "/graphql/"}
OK = "OK"
CACHE_SIZE = 1_024
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

requests = Counter(
    "gateway_requests",
    "GraphQL requests, by root field and first error code.",
    ["field", "code"],
    registry=registry,
)
request_seconds = Histogram(
    "gateway_request_seconds",
    "Duration of GraphQL requests, by root field.",
    ["field"],
    buckets=BUCKETS,
    registry=registry,
)
refused_documents = Counter(
    "gateway_documents_refused",
    "Documents refused because they exceed a limit, by limit.",
    ["limit"],
    registry=registry,
)


@lru_cache(maxsize=CACHE_SIZE)
def metrics_for(field: str, code: str) -> tuple[Counter, Histogram]:
    """Return the counter and the histogram for a root field and an error code."""
    return requests.labels(field, code), request_seconds.labels(field)


def observe(request: HttpRequest, response: HttpResponseBase, *, seconds: float) -> None:
    """Count one request to the GraphQL endpoint."""
    if request.path_info not in GRAPHQL_PATHS:
        return
    field, errors = get_info(request).operation_label, graphql_errors(response)
    counter, histogram = metrics_for(field, errors[0]["code"] if errors else OK)
    counter.inc()
    histogram.observe(seconds)
    for extensions in errors:
        if "limit" in extensions:
            refused_documents.labels(extensions["limit"]).inc()
