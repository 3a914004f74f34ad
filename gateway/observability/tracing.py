"""Traces by OpenTelemetry, where its packages are installed and an `OTEL_…` variable says where to send them."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from gateway.http.request_info import info
from gateway.http.responses import graphql_errors

IS_ON = (
    any(os.environ.get(name) for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"))
    and os.environ.get("OTEL_SDK_DISABLED", "").lower() != "true"
)

if IS_ON:
    # Not otherwise: whoever has no use for traces need not have the packages.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator


class Span(AbstractContextManager["Span"]):
    """What becomes of one request; without traces, nothing."""

    def __exit__(self, *failure: object) -> None:
        """Nothing is left to do."""

    def end(self, request: HttpRequest, response: HttpResponseBase) -> None:
        """Tell what it was about and how it ended."""


class Traced(Span):
    """A span of a trace, named when its field is known; no argument, header or body is in it."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def end(self, request: HttpRequest, response: HttpResponseBase) -> None:
        """Tell what it was about and how it ended."""
        field, errors = info(request).operation_label, graphql_errors(response)
        self.inner.update_name(field)
        self.inner.set_attribute("http.request.method", request.method)
        self.inner.set_attribute("http.response.status_code", response.status_code)
        self.inner.set_attribute("gateway.request", info(request).id)
        self.inner.set_attribute("gateway.code", errors[0]["code"] if errors else "OK")


NOTHING = Span()


def span(request: HttpRequest) -> AbstractContextManager[Span]:
    """A span around a request, in the trace that its `traceparent` names."""
    return traced(request) if IS_ON else NOTHING


@contextmanager
def traced(request: HttpRequest) -> Iterator[Span]:
    """A span that is sent to where the environment says."""
    given = {name: request.headers.get(name, "") for name in ("traceparent", "tracestate")}
    context = TraceContextTextMapPropagator().extract(given)
    with tracer().start_as_current_span("request", context, SpanKind.SERVER, record_exception=False) as inner:
        yield Traced(inner)


@lru_cache(maxsize=1)
def tracer() -> Any:
    """Made at the first request, and so in the worker: what sends spans is a thread, and no thread is forked."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("gateway")
