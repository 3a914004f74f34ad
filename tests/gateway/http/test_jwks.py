"""The JWK set."""

from typing import Any

import jwt
import pytest

from tests.api import Api
from users.crypto import signing_keys as crypto_keys
from users.models import SigningKey
from users.sessions import key_ring, signing_keys

ADDRESS = "/.well-known/jwks.json"


@pytest.fixture(autouse=True)
def generated(settings: Any, db: None) -> None:
    """A gateway that generates its signing keys."""
    settings.GATEWAY_SIGNING_KEYS = ""


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_s45_jwk_set_has_only_public_members(api: Api, settings: Any, algorithm: str) -> None:
    settings.GATEWAY_SIGNING_ALGORITHM = algorithm
    token = api.new_member("alice").token
    response = api.client.get(ADDRESS)
    assert (response.status_code, response["Content-Type"]) == (200, "application/jwk-set+json")
    assert response["Cache-Control"] == "public, max-age=300"
    shown = {key["kid"]: key for key in response.json()["keys"]}
    assert jwt.get_unverified_header(token)["kid"] in shown
    assert len(shown) == 2
    for key in shown.values():
        assert (key["alg"], key["use"]) == (algorithm, "sig")
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(key)
    loaded = jwt.PyJWKSet(response.json()["keys"])[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, loaded, algorithms=[algorithm], audience="gateway")["sub"]


def test_unchanged_jwk_set_gets_status_304(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    first = api.client.get(ADDRESS)
    again = api.client.get(ADDRESS, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    monkeypatch.setattr(signing_keys, "MAX_RING_AGE", 0)
    signing_keys.rotate(skip_wait=True)
    key_ring.clear_cache()
    turned = api.client.get(ADDRESS, headers={"If-None-Match": first["ETag"]})
    assert turned.status_code == 200
    assert {key["kid"] for key in first.json()["keys"]} < {key["kid"] for key in turned.json()["keys"]}
    assert len(turned.json()["keys"]) == SigningKey.objects.count() == 3


def test_s92_all_configured_keys_are_in_the_jwk_set(api: Api, settings: Any) -> None:
    settings.GATEWAY_SIGNING_KEYS = crypto_keys.generate("ES256") + crypto_keys.generate("RS256")
    key_ring.clear_cache()
    assert [key["alg"] for key in api.client.get(ADDRESS).json()["keys"]] == ["ES256", "RS256"]


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_jwk_set_accepts_only_get_and_head(api: Api, method: str) -> None:
    assert api.client.head(ADDRESS).status_code == 200
    assert getattr(api.client, method)(ADDRESS).status_code == 405
