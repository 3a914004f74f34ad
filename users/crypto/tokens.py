"""Access tokens: JWTs of the RFC 9068 shape, made and read.

1. The header chooses nothing: its `kid` is looked up among our keys, and the key says which algorithm.
2. Any header beside `alg`, `typ` and `kid` is refused, so `jku`, `jwk`, `x5u` and `crit` cannot act.
3. Claims are looked at only after the signature held, and each must have the type that we give it.
4. What never changes about a token (signature, shape) may be remembered; time is asked on every use.
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

from users.crypto.keys import ALGORITHMS, Key

TYPE = "at+jwt"
# Holds the longest profile that claims can be made of.
LONGEST = 16_384
# RFC 7515 §7.1: no padding, so that one token has one spelling.
SHAPE = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2}")
# Between two machines' clocks (RFC 7519 §4.1.4), for what must not lie in the future.
LEEWAY = 30
TEXTS = ("iss", "aud", "sub", "sid", "jti")
MOMENTS = ("iat", "exp", "auth_time")

Claims = dict[str, Any]

_jws = PyJWS(algorithms=[])
for _name, _algorithm in ALGORITHMS.items():
    _jws.register_algorithm(_name, _algorithm)


class Invalid(Exception):
    """Not an access token of ours."""


class Expired(Exception):
    """An access token of ours whose time is over."""


def sign(claims: Claims, key: Key) -> str:
    """The token of these claims."""
    said = b".".join([_header(key.algorithm, key.kid), base64url_encode(orjson.dumps(claims))])
    signature = _jws.get_algorithm_by_name(key.algorithm).sign(said, key.private)
    return b".".join([said, base64url_encode(signature)]).decode()


def read(token: str, keys: Mapping[str, Key], *, issuer: str, audience: str) -> Claims:
    """The claims of a token that we signed, for this audience; its time is not looked at."""
    if len(token) > LONGEST or not SHAPE.fullmatch(token):
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
    """Refuse a token that is over, or that comes from the future."""
    if claims["exp"] <= now:
        raise Expired
    if max(claims["iat"], claims.get("nbf", 0)) > now + LEEWAY:
        raise Invalid


@lru_cache(maxsize=16)
def _header(algorithm: str, kid: str) -> bytes:
    # The same for each token of a key.
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
    texts = all(isinstance(claims.get(name), str) for name in TEXTS)
    moments = all(type(claims.get(name)) is int for name in MOMENTS)
    if not (texts and moments and type(claims.get("nbf", 0)) is int):
        raise Invalid
    try:
        UUID(claims["sub"]), UUID(claims["sid"])
    except ValueError:
        raise Invalid from None
