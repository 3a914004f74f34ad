"""Guards another service: `caller` says who asks, or raises jwt.PyJWTError."""

import os
from typing import Any

import jwt

GATEWAY = os.environ.get("GATEWAY_ORIGIN", "http://localhost:8000")
ISSUER = os.environ.get("GATEWAY_ISSUER", GATEWAY)
keys = jwt.PyJWKClient(f"{GATEWAY}/.well-known/jwks.json", lifespan=300, timeout=3)


def caller(authorization: str) -> dict[str, Any]:
    """The claims of a valid access token; `sub` is the user."""
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
