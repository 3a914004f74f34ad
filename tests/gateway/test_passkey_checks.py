"""The system check of the passkey settings."""

from typing import Any

import pytest

from gateway import passkey_checks


@pytest.mark.parametrize(
    ("rp_id", "origins", "found"),
    [
        ("", [], []),
        ("", ["https://example.com"], ["gateway.E023"]),
        ("example.com", ["https://example.com", "https://other.example"], []),
        ("localhost", ["http://localhost:8000"], []),
        ("example.com", ["http://example.com"], ["gateway.E024"]),
        ("example.com", ["https://example.com", "https://Other.example"], ["gateway.E024"]),
        ("example.com", ["https://other.example"], ["gateway.E025"]),
        ("example.com", [], ["gateway.E025"]),
        ("example.com", ["*"], ["gateway.E024", "gateway.E025"]),
    ],
)
def test_s130_impossible_passkey_origins_stop_the_start(
    settings: Any, rp_id: str, origins: list[str], found: list[str]
) -> None:
    settings.GATEWAY_PASSKEY_RP_ID, settings.GATEWAY_PASSKEY_ORIGINS = rp_id, origins
    assert [each.id for each in passkey_checks.check_passkey_origins()] == found
