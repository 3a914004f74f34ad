"""The public keys."""

from typing import Any

import jwt
import pytest
from django.test import Client

from tests.api import Api
from users import keys
from users.crypto import keys as crypto_keys

PATH = "/.well-known/jwks.json"


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_s45_the_key_set_verifies_our_tokens_and_tells_no_secret(api: Api, settings: Any, algorithm: str) -> None:
    settings.GATEWAY_SIGNING_KEYS = crypto_keys.generate(algorithm)
    token = api.join().token
    answer = api.client.get(PATH)
    (key,) = answer.json()["keys"]
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/jwk-set+json")
    assert not {"d", "p", "q", "dp", "dq", "qi", "k", "oth"} & key.keys()
    assert (key["alg"], key["use"], key["kid"]) == (algorithm, "sig", jwt.get_unverified_header(token)["kid"])
    public = jwt.PyJWKSet.from_dict(answer.json())[key["kid"]]
    assert jwt.decode(token, public, algorithms=[algorithm], audience="gateway")["sub"]


def test_s92_every_key_whose_tokens_are_taken_is_shown(client: Client, settings: Any) -> None:
    settings.GATEWAY_SIGNING_KEYS = crypto_keys.generate("ES256") + crypto_keys.generate("RS256")
    assert [key["alg"] for key in client.get(PATH).json()["keys"]] == ["ES256", "RS256"]


def test_s45_the_key_set_is_kept_for_minutes_and_asked_again_by_its_tag(client: Client, settings: Any) -> None:
    first = client.get(PATH)
    assert first["Cache-Control"] == "public, max-age=300"
    again = client.get(PATH, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    settings.GATEWAY_SIGNING_KEYS = crypto_keys.generate("ES256")
    keys.ring.cache_clear()
    changed = client.get(PATH, headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]


def test_the_key_set_is_read_and_nothing_else(client: Client) -> None:
    assert client.head(PATH).status_code == 200
    assert [client.generic(method, PATH).status_code for method in ("POST", "PUT", "DELETE")] == [405] * 3
