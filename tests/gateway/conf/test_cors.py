"""The defaults of CORS."""

import pytest
from django.test import Client

from gateway.conf import cors
from tests.gateway.test_settings import DEVELOPMENT, read


def test_setting_adds_headers_to_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, **DEVELOPMENT, GATEWAY_CORS_EXTRA_HEADERS="x-tenant, x-Client")
    assert found["CORS_ALLOW_HEADERS"] == [*cors.HEADERS, "x-tenant", "x-Client"]


def test_development_origins_include_the_common_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, **DEVELOPMENT)
    servers = {f"http://localhost:{port}" for port in (3000, 4173, 4200, 4321, 5173, 8080)}
    assert servers <= {*found["CORS_ALLOWED_ORIGINS"]}


@pytest.mark.parametrize("header", cors.HEADERS)
def test_preflight_allows_each_default_header(client: Client, header: str) -> None:
    origin = cors.DEVELOPMENT_ORIGINS[0]
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": header}
    answer = client.options("/graphql", headers={"Origin": origin, **asked})
    assert answer["Access-Control-Allow-Origin"] == origin
    assert header in answer["Access-Control-Allow-Headers"].split(", ")
