"""A software authenticator and its browser, as far as the gateway sees them. Tests change any part of a response."""

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

ORIGIN = "http://localhost:8000"
PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, HAS_KEY = 0x01, 0x04, 0x08, 0x10, 0x40


@dataclass
class Authenticator:
    """One passkey. A counter of 0 stays 0, as with passkeys that are synchronised."""

    flags: int = PRESENT | VERIFIED
    count: int = 1
    origin: str = ORIGIN
    user_handle: bytes | None = None
    rp_id: str = "localhost"
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def create(self, options: dict[str, Any], **client_data: Any) -> dict[str, Any]:
        """Return the JSON of navigator.credentials.create()."""
        self.user_handle = base64url_to_bytes(options["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        key = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(key)
        data = self._data(self.flags | HAS_KEY) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options, client_data)
        response = {"clientDataJSON": client, "attestationObject": attestation}
        return self._credential(response) | {"clientExtensionResults": {}}

    def get(self, options: dict[str, Any], **client_data: Any) -> dict[str, Any]:
        """Return the JSON of navigator.credentials.get()."""
        self.count += bool(self.count)
        data, client = self._data(self.flags), self._client("webauthn.get", options, client_data)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {"clientDataJSON": client, "authenticatorData": data, "signature": signature}
        return self._credential(response | ({"userHandle": self.user_handle} if self.user_handle else {}))

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, options: dict[str, Any], changes: dict[str, Any]) -> bytes:
        base = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return orjson.dumps(base | changes)

    def _credential(self, response: dict[str, bytes]) -> dict[str, Any]:
        encoded = {name: bytes_to_base64url(value) for name, value in response.items()}
        id = bytes_to_base64url(self.id)
        return {"id": id, "rawId": id, "type": "public-key", "response": encoded, "clientExtensionResults": {}}
