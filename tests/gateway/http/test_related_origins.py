"""The related origins, which browsers fetch from the RP id."""

from typing import Any

import pytest
from django.test import Client

URL = "/.well-known/webauthn"


def test_origins_outside_of_the_rp_id_are_listed(client: Client, settings: Any) -> None:
    settings.GATEWAY_PASSKEY_RP_ID = "example.com"
    settings.GATEWAY_PASSKEY_ORIGINS = ["https://app.example.com", "https://example.org", "https://evil-example.com"]
    response = client.get(URL)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert response.json() == {"origins": ["https://example.org", "https://evil-example.com"]}


def test_gateway_without_passkeys_lists_nothing(client: Client, settings: Any) -> None:
    settings.GATEWAY_PASSKEY_RP_ID = ""
    assert client.get(URL).status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_list_accepts_only_get_and_head(client: Client, method: str) -> None:
    assert client.head(URL).status_code == 200
    assert getattr(client, method)(URL).status_code == 405
