"""Verifies access tokens of the gateway: `caller` returns the claims or raises jwt.PyJWTError."""

import os
from typing import Any

import jwt

GATEWAY = os.environ.get("GATEWAY_ORIGIN", "http://localhost:8000")
ISSUER = os.environ.get("GATEWAY_ISSUER", GATEWAY)
keys = jwt.PyJWKClient(f"{GATEWAY}/.well-known/jwks.json", lifespan=300, timeout=3)


def caller(authorization: str) -> dict[str, Any]:
    """Return the claims of a valid Authorization header; `sub` is the user's id."""
    token = authorization.removeprefix("Bearer ")
    if jwt.get_unverified_header(token).get("typ") != "at+jwt":
        raise jwt.InvalidTokenError("not an access token")
    claims: dict[str, Any] = jwt.decode(
        token,
        keys.get_signing_key_from_jwt(token),
        algorithms=["ES256"],
        issuer=ISSUER,
        audience="gateway",
        leeway=30,
        options={"require": ["exp", "iat", "sub", "sid"]},
    )
    return claims
