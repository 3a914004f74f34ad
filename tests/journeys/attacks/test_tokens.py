"""Forged access tokens: of another algorithm, key, type, service or purpose."""

import base64
import hashlib
import hmac
import socket
import threading
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

from tests.api import Api, Member
from users.crypto import signing_keys as crypto_keys
from users.models import Event, Session
from users.sessions import key_ring

VERIFY = "mutation ($token: String) { verifyToken(token: $token) { user { username } } }"


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def parts(member: Member) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header and the claims of a token, as anyone reads them."""
    header, claims = (base64.urlsafe_b64decode(f"{part}==") for part in member.token.split(".")[:2])
    return orjson.loads(header), orjson.loads(claims)


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return f"{b64(orjson.dumps(header))}.{b64(orjson.dumps(claims))}"


def refused(api: Api, token: str) -> None:
    """Neither the header nor the argument takes a token, and in the same words as rubbish."""
    answer, rubbish = api.me(token), api.me("rubbish")
    assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", "TOKEN_INVALID")
    assert answer.response.content == rubbish.response.content
    assert api(VERIFY, {"token": token}).code == "TOKEN_INVALID"


@pytest.mark.parametrize("spelling", ["none", "None", "NONE", "nOnE", "", " none", "null", "HS256", "ES256", None])
def test_s33_without_a_signature_there_is_no_token(api: Api, spelling: str | None) -> None:
    alice = api.new_member("alice")
    header, claims = parts(alice)
    for signature in ("", alice.token.split(".")[2]):
        if (spelling, bool(signature)) != ("ES256", True):
            refused(api, f"{unsigned(header | {'alg': spelling}, claims)}.{signature}")
    refused(api, unsigned(header | {"alg": spelling}, claims))


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_s35_public_keys_and_weak_secrets_sign_nothing(api: Api, algorithm: str) -> None:
    header, claims = parts(api.new_member("alice"))
    key = key_ring.get().current
    jwks = api.client.get("/.well-known/jwks.json").content
    pem = key.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    der = key.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    public = [jwks, orjson.dumps(key.jwk()), pem, pem.strip(), der, key.kid.encode(), key.jwk()["x"].encode()]
    weak = [settings.SECRET_KEY.encode(), b"", b"secret", b"changeme", b"gateway", b"\0" * 64]
    signing = unsigned(header | {"alg": algorithm}, claims)
    for secret in [*public, *weak]:
        refused(api, f"{signing}.{b64(hmac.digest(secret, signing.encode(), f'sha{algorithm[2:]}'))}")


@pytest.mark.parametrize("same_kid", [True, False], ids=["our kid", "their kid"])
def test_s34_s41_another_service_s_token_of_the_right_shape_opens_nothing(api: Api, same_kid: bool) -> None:
    header, claims = parts(api.new_member("alice"))
    theirs = crypto_keys.load(crypto_keys.generate("ES256"))
    header["kid"] = header["kid"] if same_kid else theirs.kid
    for changes in ({}, {"iss": "https://other.example"}, {"aud": "billing"}, {"aud": ["gateway", "billing"]}):
        refused(api, jwt.encode(claims | changes, theirs.private, algorithm="ES256", headers=header))


def test_s41_s42_our_own_key_signs_for_other_purposes_and_opens_nothing_by_it(api: Api) -> None:
    header, claims = parts(api.new_member("alice"))
    ours = key_ring.get().current

    def signed(header: dict[str, Any], claims: dict[str, Any]) -> str:
        return jwt.encode(claims, ours.private, algorithm="ES256", headers=header)

    assert "errors" not in api.me(signed(header, claims)).json
    for kind in ("JWT", "jwt", "at+JWT", "application/at+jwt", "refresh", "verify+jwt", "", None, 1, ["at+jwt"]):
        head = {"alg": "ES256", "kid": ours.kid, "typ": kind}
        signing = unsigned(head, claims)
        signature = crypto_keys.ALGORITHMS["ES256"].sign(signing.encode(), ours.private)
        refused(api, f"{signing}.{b64(signature)}")
    for changes in (
        {"iss": "https://other.example"},
        {"aud": "billing"},
        {"aud": ["gateway"]},
        {"sub": ["x"]},
        {"sub": None},
        {"exp": "9999999999"},
        {"exp": 9e9},
        {"iat": True},
    ):
        signing = unsigned(header, claims | changes)
        signature = crypto_keys.ALGORITHMS["ES256"].sign(signing.encode(), ours.private)
        refused(api, f"{signing}.{b64(signature)}")


def test_s36_a_header_chooses_no_key_and_fetches_nothing(api: Api) -> None:
    header, claims = parts(api.new_member("alice"))
    theirs, ours = crypto_keys.load(crypto_keys.generate("ES256")), key_ring.get().current
    with socket.create_server(("127.0.0.1", 0)) as sink:
        url = f"http://127.0.0.1:{sink.getsockname()[1]}/jwks.json"
        visits: list[Any] = []
        sink.settimeout(0.2)

        def listen() -> None:
            try:
                while True:
                    visits.append(sink.accept()[1])
            except TimeoutError:
                pass

        listening = threading.Thread(target=listen)
        listening.start()
        kids = [url, "../../../dev/null", "/dev/null", "' OR 1=1 --", "x' UNION SELECT 'secret", "a" * 2_000, "", 0]
        more = [{"jwk": theirs.jwk()}, {"jku": url}, {"x5u": url}, {"x5c": ["MII="]}, {"x5t": "x"}, {"crit": ["exp"]}]
        for change in [*({"kid": kid} for kid in kids), {"kid": None}, {"kid": {"$ne": 1}}, *more, {"b64": False}]:
            for key in (theirs, ours):
                signing = unsigned(header | change, claims)
                signature = crypto_keys.ALGORITHMS["ES256"].sign(signing.encode(), key.private)
                refused(api, f"{signing}.{b64(signature)}")
        listening.join()
    assert visits == []


def test_s42_a_token_of_one_purpose_serves_no_other(api: Api) -> None:
    alice = api.new_member("alice")
    refused(api, alice.refresh_token)
    refused(api, b64(alice.refresh_token.encode()))
    assert api.refresh(alice.token).code == "TOKEN_INVALID"
    assert api.revoke(alice.token).data["revokeToken"]["revoked"]
    # What an access token shows of its session makes no refresh token either.
    sid = bytes.fromhex(alice.claims["sid"].replace("-", ""))
    guesses = (bytes(32), hashlib.sha256(alice.token.encode()).digest())
    for guess in guesses:
        assert api.refresh(base64.urlsafe_b64encode(sid + guess).decode()).code == "TOKEN_INVALID"
    assert "errors" not in alice("{ me { id } }").json
    assert Session.objects.get().ended_at is None
    assert not Event.objects.exclude(kind="account.registered").exists()
