"""Signing keys: generated, parsed, and published as JWKs."""

import hashlib
import re
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
# Without other blocks: openssl writes the parameters of a curve before the key.
PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.+?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)


class UnusableKey(ValueError):
    """Not a private key that the gateway can sign with."""


class DeterministicES256(ECAlgorithm):
    """ES256 with deterministic signatures (RFC 6979), so that equal claims make equal tokens."""

    def __init__(self) -> None:
        super().__init__(SHA256)

    def sign(self, msg: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
        """Return the signature in the form of JWS: two numbers of 32 bytes."""
        numbers = decode_dss_signature(key.sign(msg, ec.ECDSA(SHA256(), deterministic_signing=True)))
        return b"".join(number.to_bytes(32, "big") for number in numbers)


ALGORITHMS: dict[str, Algorithm] = {
    "ES256": DeterministicES256(),
    "EdDSA": OKPAlgorithm(),
    "RS256": RSAAlgorithm(SHA256),
}


@dataclass(frozen=True, slots=True)
class Key:
    """A key pair. Its id is the thumbprint of RFC 7638."""

    kid: str
    algorithm: str
    private: PrivateKey
    public: Any

    def jwk(self) -> dict[str, str]:
        """Return the public key as a JWK."""
        return _public_jwk(self.public, self.algorithm) | {
            "kid": self.kid,
            "alg": self.algorithm,
            "use": "sig",
        }


def generate(algorithm: str) -> str:
    """Return a new private key as PEM."""
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


def load_all(text: str) -> list[Key]:
    """Parse the private keys of a text in PEM; raise UnusableKey if there is none."""
    keys = [load(pem) for pem in PEM.findall(text)]
    if not keys:
        raise UnusableKey("no private key in PEM")
    return keys


def load(pem: str) -> Key:
    """Parse a private key in PEM."""
    try:
        private = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        raise UnusableKey("not an unencrypted private key in PEM") from None
    if isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(private.curve, ec.SECP256R1):
        return _with_thumbprint(private, "ES256")
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return _with_thumbprint(private, "EdDSA")
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size >= RSA_BITS:
        return _with_thumbprint(private, "RS256")
    raise UnusableKey(f"neither P-256, Ed25519 nor RSA of {RSA_BITS} bits or more")


def _with_thumbprint(private: PrivateKey, algorithm: str) -> Key:
    public = private.public_key()
    members = _public_jwk(public, algorithm)
    digest = hashlib.sha256(orjson.dumps(members, option=orjson.OPT_SORT_KEYS)).digest()
    return Key(urlsafe_b64encode(digest).decode().rstrip("="), algorithm, private, public)


# The members of a thumbprint (RFC 7638 section 3.2).
REQUIRED = {"crv", "kty", "x", "y", "e", "n"}


def _public_jwk(public: Any, algorithm: str) -> dict[str, str]:
    jwk = ALGORITHMS[algorithm].to_jwk(public, as_dict=True)
    return {name: value for name, value in jwk.items() if name in REQUIRED}
