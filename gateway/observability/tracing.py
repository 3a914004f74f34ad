"""OpenTelemetry traces. Off unless an environment variable sets an OTLP endpoint; the packages are optional."""

import os
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from gateway.http.request_info import get_info
from gateway.http.responses import graphql_errors

IS_ON = (
    any(os.environ.get(name) for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"))
    and os.environ.get("OTEL_SDK_DISABLED", "").lower() != "true"
)

if IS_ON:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator


def request_span(request: HttpRequest) -> AbstractContextManager[Any]:
    """Return the span of a request in the trace of its `traceparent` header, or a span of None if tracing is off."""
    if not IS_ON:
        return nullcontext()
    headers = {name: request.headers.get(name, "") for name in ("traceparent", "tracestate")}
    context = TraceContextTextMapPropagator().extract(headers)
    span: AbstractContextManager[Any] = _tracer().start_as_current_span(
        "request", context, SpanKind.SERVER, record_exception=False
    )
    return span


def set_attributes(span: Any, request: HttpRequest, response: HttpResponseBase) -> None:
    """Describe a request in its span. No argument, header or body is part of it."""
    if span is None:
        return
    info, errors = get_info(request), graphql_errors(response)
    span.update_name(info.operation_label)
    span.set_attribute("http.request.method", request.method)
    span.set_attribute("http.response.status_code", response.status_code)
    span.set_attribute("gateway.request", info.id)
    span.set_attribute("gateway.code", errors[0]["code"] if errors else "OK")


@lru_cache(maxsize=1)
def _tracer() -> Any:
    # Created by the first request, so that its export thread runs in the worker process.
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("gateway")
