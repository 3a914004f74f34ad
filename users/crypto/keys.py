"""Signing keys as objects: parsed once, since parsing costs more than signing does."""

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from jwt.algorithms import Algorithm, ECAlgorithm, OKPAlgorithm, RSAAlgorithm

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
RSA_BITS = 2048


class UnusableKey(ValueError):
    """Not a private key of a kind that the gateway signs with."""


class DeterministicES256(ECAlgorithm):
    """ES256 whose signature depends on key and message alone (RFC 6979), so that equal claims make one token."""

    def __init__(self) -> None:
        super().__init__(SHA256)

    def sign(self, msg: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
        """The signature as JWS wants it: both numbers, 32 bytes each."""
        numbers = decode_dss_signature(key.sign(msg, ec.ECDSA(SHA256(), deterministic_signing=True)))
        return b"".join(number.to_bytes(32, "big") for number in numbers)


ALGORITHMS: dict[str, Algorithm] = {
    "ES256": DeterministicES256(),
    "EdDSA": OKPAlgorithm(),
    "RS256": RSAAlgorithm(SHA256),
}


@dataclass(frozen=True, slots=True)
class Key:
    """A key pair and its name, the RFC 7638 thumbprint."""

    kid: str
    algorithm: str
    private: PrivateKey
    public: Any

    def jwk(self) -> dict[str, str]:
        """The public half as the JWKS shows it."""
        return _public_jwk(self.public, self.algorithm) | {
            "kid": self.kid,
            "alg": self.algorithm,
            "use": "sig",
        }


def generate(algorithm: str) -> str:
    """A new private key, as PEM."""
    private: PrivateKey
    if algorithm == "ES256":
        private = ec.generate_private_key(ec.SECP256R1())
    elif algorithm == "EdDSA":
        private = ed25519.Ed25519PrivateKey.generate()
    else:
        private = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def load(pem: str) -> Key:
    """The key in a PEM text."""
    try:
        private = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        raise UnusableKey("not an unencrypted private key in PEM") from None
    if isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(private.curve, ec.SECP256R1):
        return _named(private, "ES256")
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return _named(private, "EdDSA")
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size >= RSA_BITS:
        return _named(private, "RS256")
    raise UnusableKey(f"neither P-256, Ed25519 nor RSA of {RSA_BITS} bits or more")


def _named(private: PrivateKey, algorithm: str) -> Key:
    public = private.public_key()
    members = _public_jwk(public, algorithm)
    digest = hashlib.sha256(orjson.dumps(members, option=orjson.OPT_SORT_KEYS)).digest()
    return Key(urlsafe_b64encode(digest).decode().rstrip("="), algorithm, private, public)


# RFC 7638 §3.2: the members that make a key what it is.
REQUIRED = {"crv", "kty", "x", "y", "e", "n"}


def _public_jwk(public: Any, algorithm: str) -> dict[str, str]:
    jwk = ALGORITHMS[algorithm].to_jwk(public, as_dict=True)
    return {name: value for name, value in jwk.items() if name in REQUIRED}
