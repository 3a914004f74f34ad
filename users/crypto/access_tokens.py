"""Access tokens: JWTs in the form of RFC 9068, signed and read.

1. The header chooses nothing: its `kid` must be one of our keys, and the key determines the algorithm.
2. A header with other members than `alg`, `typ` and `kid` is refused, so `jku`, `jwk`, `x5u` and `crit` have no effect.
3. The signature is checked before the claims, and each claim must have the right type.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from jwt import PyJWS
from jwt.exceptions import PyJWTError
from jwt.utils import base64url_encode

from users.crypto.signing_keys import ALGORITHMS, Key

TYPE = "at+jwt"
# Enough for the longest claims that users can have.
MAX_LENGTH = 16_384
# RFC 7515 section 7.1: no padding, so one token has one spelling.
SHAPE = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2}")
# Seconds that the clocks of two machines may differ (RFC 7519 section 4.1.4).
LEEWAY = 30
TEXT_CLAIMS = ("iss", "aud", "sub", "sid", "jti")
TIME_CLAIMS = ("iat", "exp", "auth_time")

Claims = dict[str, Any]

_jws = PyJWS(algorithms=[])
for _name, _algorithm in ALGORITHMS.items():
    _jws.register_algorithm(_name, _algorithm)


class Invalid(Exception):
    """Not an access token of this gateway."""


class Expired(Exception):
    """An expired access token of this gateway."""


def sign(claims: Claims, key: Key) -> str:
    """Return the signed token with these claims."""
    signed = b".".join([_header(key.algorithm, key.kid), base64url_encode(orjson.dumps(claims))])
    signature = _jws.get_algorithm_by_name(key.algorithm).sign(signed, key.private)
    return b".".join([signed, base64url_encode(signature)]).decode()


def read(token: str, keys: Mapping[str, Key], *, issuer: str, audience: str) -> Claims:
    """Return the claims of a token signed by one of the keys for this audience. `check_time` checks its times."""
    if len(token) > MAX_LENGTH or not SHAPE.fullmatch(token):
        raise Invalid
    key = _key(token, keys)
    try:
        claims = orjson.loads(_jws.decode(token, key.public, algorithms=[key.algorithm]))
    except (PyJWTError, ValueError):
        raise Invalid from None
    if not isinstance(claims, dict) or (claims.get("iss"), claims.get("aud")) != (issuer, audience):
        raise Invalid
    _check_shape(claims)
    return claims


def check_time(claims: Claims, now: float) -> None:
    """Raise Expired for an expired token, and Invalid for one from the future."""
    if claims["exp"] <= now:
        raise Expired
    if max(claims["iat"], claims.get("nbf", 0)) > now + LEEWAY:
        raise Invalid


@lru_cache(maxsize=16)
def _header(algorithm: str, kid: str) -> bytes:
    # All tokens of a key have the same header.
    return base64url_encode(orjson.dumps({"alg": algorithm, "kid": kid, "typ": TYPE}))


def _key(token: str, keys: Mapping[str, Key]) -> Key:
    try:
        header = _jws.get_unverified_header(token)
    except (PyJWTError, ValueError, RecursionError):
        raise Invalid from None
    kid = header.get("kid")
    key = keys.get(kid) if isinstance(kid, str) else None
    if key is None or header != {"alg": key.algorithm, "typ": TYPE, "kid": kid}:
        raise Invalid
    return key


def _check_shape(claims: Claims) -> None:
    texts = all(isinstance(claims.get(name), str) for name in TEXT_CLAIMS)
    moments = all(type(claims.get(name)) is int for name in TIME_CLAIMS)
    if not (texts and moments and type(claims.get("nbf", 0)) is int):
        raise Invalid
    try:
        UUID(claims["sub"]), UUID(claims["sid"])
    except ValueError:
        raise Invalid from None
