"""Signing keys: three kinds, named after themselves, the private half never shown."""

import json
from collections.abc import Callable

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from users.crypto import signing_keys

ALGORITHMS = ["ES256", "EdDSA", "RS256"]
# RFC 8037 §A.3 gives the thumbprint of the key in §A.1.
RFC_8037 = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
"""


def pem(private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, password: bytes | None = None) -> str:
    locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked).decode()


def public(private: ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return private.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_generated_key_is_read_back_as_what_it_is(algorithm: str) -> None:
    text = signing_keys.generate(algorithm)
    key = signing_keys.load(text)
    assert key.algorithm == algorithm
    assert key.kid == signing_keys.load(text).kid
    assert key.kid != signing_keys.load(signing_keys.generate(algorithm)).kid


def test_the_name_is_the_thumbprint_of_rfc_7638() -> None:
    assert signing_keys.load(RFC_8037).kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_jwk_shows_the_public_half_alone_and_verifies(algorithm: str) -> None:
    key = signing_keys.load(signing_keys.generate(algorithm))
    jwk = key.jwk()
    assert not jwk.keys() & {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
    assert (jwk["kid"], jwk["alg"], jwk["use"]) == (key.kid, algorithm, "sig")
    token = jwt.encode({"a": 1}, key.private, algorithm=algorithm)
    assert jwt.decode(token, jwt.PyJWK.from_json(json.dumps(jwk)), algorithms=[algorithm]) == {"a": 1}


def test_an_es256_signature_is_valid_and_the_same_each_time() -> None:
    key = signing_keys.load(signing_keys.generate("ES256"))
    signer = signing_keys.ALGORITHMS["ES256"]
    signatures = {signer.sign(b"message", key.private) for _ in range(5)}
    assert len(signatures) == 1
    (signature,) = signatures
    assert len(signature) == 64
    assert signer.verify(b"message", key.public, signature)
    assert signature != signer.sign(b"another", key.private)


UNUSABLE: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "rubbish": lambda: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
    "a public key": lambda: public(ec.generate_private_key(ec.SECP256R1())),
    "an encrypted key": lambda: pem(ec.generate_private_key(ec.SECP256R1()), b"password"),
    "another curve": lambda: pem(ec.generate_private_key(ec.SECP384R1())),
    "a curve of the same size": lambda: pem(ec.generate_private_key(ec.SECP256K1())),
    "a short RSA key": lambda: pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
}


@pytest.mark.parametrize("make", UNUSABLE.values(), ids=UNUSABLE)
def test_a_key_of_another_kind_is_refused_without_being_quoted(make: Callable[[], str]) -> None:
    text = make()
    with pytest.raises(signing_keys.UnusableKey) as refused:
        signing_keys.load(text)
    assert not any(line in str(refused.value) for line in text.splitlines()[1:-1])
