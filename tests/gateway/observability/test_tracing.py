"""OpenTelemetry traces: one span per request, without arguments and headers."""

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from django.db import connection
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from gateway.observability import tracing
from tests.api import PASSWORD, Api
from tests.server import free_ports, running_gateway, url_of_database, wait_until_ready

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "X-Request-Id": "request-12345"}
SIGN_IN = 'mutation ($p: String!) { tokenAuth(username: "alice", password: $p) { token } }'


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """An OTLP collector: its URL and the received spans."""
    received: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()
        thread.join()


@pytest.mark.services
def test_request_span_joins_the_trace_and_has_no_secret(
    transactional_db: None, collector: tuple[str, list[bytes]], tmp_path: Path
) -> None:
    url, received = collector
    (port,) = free_ports(1)
    settings = {
        "DATABASE_URL": url_of_database(connection.settings_dict),
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "OTEL_SERVICE_NAME": "sign-in",
    }
    with running_gateway(tmp_path, port, settings) as origin:
        wait_until_ready(origin, tmp_path)
        body = json.dumps({"query": SIGN_IN, "variables": {"p": PASSWORD}}).encode()
        urlopen(Request(f"{origin}/graphql", body, {"Content-Type": "application/json", **PARENT})).close()
        threading.Event().wait(2)
    sent = [ExportTraceServiceRequest.FromString(each) for each in received]
    groups = [group for each in sent for group in each.resource_spans]
    (span,) = (
        span for group in groups for scope in group.scope_spans for span in scope.spans if span.name == "tokenAuth"
    )
    assert span.trace_id.hex() == TRACE
    assert span.parent_span_id.hex() == "b7ad6b7169203331"
    attributes = {each.key: each.value.string_value or each.value.int_value for each in span.attributes}
    assert attributes == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "gateway.request": "request-12345",
        "gateway.code": "INVALID_CREDENTIALS",
    }
    assert {each.value.string_value for each in groups[0].resource.attributes if each.key == "service.name"} == {
        "sign-in"
    }
    assert not [each for each in received if PASSWORD.encode() in each]


def test_tracing_is_off_without_an_endpoint(api: Api) -> None:
    assert not tracing.IS_ON
    with tracing.request_span(api.client.get("/healthz").wsgi_request) as span:
        assert span is None
