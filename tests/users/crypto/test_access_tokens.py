"""Access tokens: what we sign is read, and nothing else is."""

import base64
import hashlib
import hmac
import json
import socket
from contextlib import nullcontext
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from users.crypto import access_tokens, signing_keys
from users.crypto.access_tokens import Expired, Invalid
from users.crypto.signing_keys import Key

NOW = 1_800_000_000
KEY, OTHER = signing_keys.load(signing_keys.generate("ES256")), signing_keys.load(signing_keys.generate("ES256"))
RING = {KEY.kid: KEY}
CLAIMS = {
    "iss": "https://auth.example",
    "aud": "gateway",
    "sub": str(uuid4()),
    "sid": str(uuid4()),
    "jti": "one",
    "iat": NOW,
    "exp": NOW + 300,
    "auth_time": NOW - 60,
}
HEADER = {"alg": "ES256", "typ": "at+jwt", "kid": KEY.kid}


def encoded(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def forge(header: Any = HEADER, claims: Any = CLAIMS, key: Key = KEY) -> str:
    """A token with any header and any payload, under a signature that holds."""
    signed = f"{encoded(header)}.{encoded(claims)}"
    return f"{signed}.{encoded(signing_keys.ALGORITHMS[key.algorithm].sign(signed.encode(), key.private))}"


def hmacked(secret: bytes, alg: str, digest: Any) -> str:
    signed = f"{encoded(HEADER | {'alg': alg})}.{encoded(CLAIMS)}"
    return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), digest))}"


def read(token: str) -> dict[str, Any]:
    return access_tokens.read(token, RING, issuer="https://auth.example", audience="gateway")


def without(name: str) -> dict[str, Any]:
    return {each: value for each, value in CLAIMS.items() if each != name}


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_s39_what_is_signed_is_read_by_us_and_by_others(algorithm: str) -> None:
    key = signing_keys.load(signing_keys.generate(algorithm))
    token = access_tokens.sign(CLAIMS, key)
    assert access_tokens.read(token, {key.kid: key}, issuer="https://auth.example", audience="gateway") == CLAIMS
    assert jwt.get_unverified_header(token) == {"alg": algorithm, "typ": "at+jwt", "kid": key.kid}
    options = {"verify_exp": False, "verify_iat": False}
    assert jwt.decode(token, key.public, algorithms=[algorithm], audience="gateway", options=options) == CLAIMS


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_equal_claims_make_one_token(algorithm: str) -> None:
    key = signing_keys.load(signing_keys.generate(algorithm))
    assert len({access_tokens.sign(CLAIMS, key) for _ in range(5)}) == 1


def test_the_forger_forges_well() -> None:
    assert read(forge()) == CLAIMS
    assert read(forge(claims=CLAIMS | {"nbf": NOW, "extra": [1]})) == CLAIMS | {"nbf": NOW, "extra": [1]}


@pytest.mark.parametrize("signature", ["", "right"])
@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "nOnE", "", " none", "none ", "null", None, False, 0, [], {}, "es256", ["ES256"]]
)
def test_s33_no_signature_is_no_token_however_none_is_spelled(alg: Any, signature: str) -> None:
    token = forge(HEADER | {"alg": alg})
    with pytest.raises(Invalid):
        read(token if signature else token.rpartition(".")[0] + ".")


def tamperings() -> dict[str, str]:
    header, payload, signature = forge().split(".")
    stranger = forge(claims=CLAIMS | {"sub": str(uuid4())}).split(".")[1]
    return {
        "another payload": f"{header}.{stranger}.{signature}",
        "no signature": f"{header}.{payload}.",
        "two parts": f"{header}.{payload}",
        "no payload": f"{header}..{signature}",
        "no header": f".{payload}.{signature}",
        "a signature cut": f"{header}.{payload}.{signature[:-2]}",
        "a signature grown": f"{header}.{payload}.{signature}AA",
        "a signature of nothing": f"{header}.{payload}.{encoded(bytes(64))}",
        "halves swapped": f"{payload}.{header}.{signature}",
        "four parts": f"{header}.{payload}.{signature}.{signature}",
        "padded": f"{header}.{payload}.{signature}==",
        "spaced": f"{header}.{payload}.{signature} ",
        "another's key": forge(key=OTHER),
    }


@pytest.mark.parametrize("token", tamperings().values(), ids=tamperings())
def test_s34_the_signature_covers_everything(token: str) -> None:
    with pytest.raises(Invalid):
        read(token)


def test_s34_no_letter_of_a_token_can_be_another() -> None:
    token = forge()
    for place in range(len(token)):
        for letter in {"A", "_", "."} - {token[place]}:
            with pytest.raises(Invalid):
                read(token[:place] + letter + token[place + 1 :])


def public_forms() -> dict[str, bytes]:
    """The public parts of a key, in the forms that a careless library would accept as a secret."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = KEY.public.public_bytes(serialization.Encoding.PEM, form)
    der = KEY.public.public_bytes(serialization.Encoding.DER, form)
    jwk = KEY.jwk()
    texts = [json.dumps(jwk), json.dumps(jwk, sort_keys=True, separators=(",", ":")), jwk["x"], jwk["y"], jwk["kid"]]
    weak = ["", "secret", "gateway", "changeme", "\x00"]
    return {"pem": pem, "pem stripped": pem.strip(), "der": der} | {text[:20]: text.encode() for text in texts + weak}


@pytest.mark.parametrize(
    ("alg", "digest"), [("HS256", hashlib.sha256), ("HS384", hashlib.sha384), ("HS512", hashlib.sha512)]
)
@pytest.mark.parametrize("secret", public_forms().values(), ids=map(str, range(len(public_forms()))))
def test_s35_no_public_key_serves_as_a_secret(secret: bytes, alg: str, digest: Any) -> None:
    for claimed in (alg, "ES256"):
        with pytest.raises(Invalid):
            read(hmacked(secret, claimed, digest))


@pytest.mark.parametrize("algorithm", ["EdDSA", "RS256"])
def test_s35_the_key_says_which_algorithm_and_the_header_does_not(algorithm: str) -> None:
    other = signing_keys.load(signing_keys.generate(algorithm))
    ring = {KEY.kid: KEY, other.kid: other}
    for header in (HEADER | {"alg": algorithm}, HEADER | {"kid": other.kid}):
        for key in (KEY, other):
            with pytest.raises(Invalid):
                access_tokens.read(forge(header, key=key), ring, issuer="https://auth.example", audience="gateway")


HEADERS = {
    "jku": HEADER | {"jku": "https://evil.example/jwks.json"},
    "jwk": HEADER | {"jwk": OTHER.jwk()},
    "x5u": HEADER | {"x5u": "https://evil.example/cert.pem"},
    "x5c": HEADER | {"x5c": ["AAAA"]},
    "x5t": HEADER | {"x5t": "AAAA"},
    "crit": HEADER | {"crit": ["exp"]},
    "crit of ours": HEADER | {"crit": ["b64"], "b64": True},
    "b64": HEADER | {"b64": False},
    "zip": HEADER | {"zip": "DEF"},
    "cty": HEADER | {"cty": "JWT"},
    "unknown kid": HEADER | {"kid": OTHER.kid},
    "kid in another case": HEADER | {"kid": KEY.kid.swapcase()},
    "path": HEADER | {"kid": "../../../../dev/null"},
    "sql": HEADER | {"kid": "' UNION SELECT 'key' --"},
    "url": HEADER | {"kid": "https://evil.example/key"},
    "long kid": HEADER | {"kid": "a" * 10_000},
    "empty kid": HEADER | {"kid": ""},
    "kid of another type": HEADER | {"kid": 1},
    "kid in a list": HEADER | {"kid": [KEY.kid]},
    "kid in an object": HEADER | {"kid": {"kid": KEY.kid}},
    "null kid": HEADER | {"kid": None},
    "no kid": {"alg": "ES256", "typ": "at+jwt"},
    "no typ": {"alg": "ES256", "kid": KEY.kid},
    "no alg": {"typ": "at+jwt", "kid": KEY.kid},
    "typ JWT": HEADER | {"typ": "JWT"},
    "typ refresh": HEADER | {"typ": "rt+jwt"},
    "typ in another case": HEADER | {"typ": "AT+JWT"},
    "typ in full": HEADER | {"typ": "application/at+jwt"},
    "typ of another type": HEADER | {"typ": ["at+jwt"]},
    "a list": ["ES256"],
    "a text": "ES256",
    "nothing": None,
    "no json": b"{",
    "no text": b"\xff\xfe",
    "deep": b'{"a":' * 700 + b"1" + b"}" * 700,
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_s36_s41_any_other_header_is_refused_and_nothing_is_fetched(
    header: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, lambda *asked, **_: calls.append(asked))
    for key in (KEY, OTHER):
        with pytest.raises(Invalid):
            read(forge(header, key=key))
    assert calls == []


PAYLOADS: dict[str, Any] = {
    **{f"no {name}": without(name) for name in CLAIMS},
    **{f"{name} is null": CLAIMS | {name: None} for name in CLAIMS},
    **{f"{name} is a number": CLAIMS | {name: 1} for name in ("iss", "aud", "sub", "sid", "jti")},
    **{f"{name} is a text": CLAIMS | {name: str(NOW)} for name in ("iat", "exp", "auth_time", "nbf")},
    **{f"{name} is a fraction": CLAIMS | {name: NOW + 0.5} for name in ("iat", "exp", "auth_time", "nbf")},
    **{f"{name} is true": CLAIMS | {name: True} for name in ("iat", "exp", "auth_time", "nbf")},
    "exp beyond all numbers": CLAIMS | {"exp": 10**400},
    "nbf is null": CLAIMS | {"nbf": None},
    "another issuer": CLAIMS | {"iss": "https://evil.example"},
    "issuer with a slash": CLAIMS | {"iss": "https://auth.example/"},
    "issuer in a list": CLAIMS | {"iss": ["https://auth.example"]},
    "another audience": CLAIMS | {"aud": "billing"},
    "several audiences": CLAIMS | {"aud": ["gateway", "billing"]},
    "audience in a list": CLAIMS | {"aud": ["gateway"]},
    "sub is a name": CLAIMS | {"sub": "alice"},
    "sub is empty": CLAIMS | {"sub": ""},
    "sid is no uuid": CLAIMS | {"sid": "1' OR '1'='1"},
    "a list": [CLAIMS],
    "a text": "claims",
    "a number": 1,
    "null": None,
    "no json": b"{",
    "not a number": b'{"exp": NaN}',
    "no utf-8": b'"\xff"',
}


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_s38_s41_claims_under_the_right_key_must_have_their_form(payload: Any) -> None:
    with pytest.raises(Invalid):
        read(forge(claims=payload))


ZOO = [
    "",
    ".",
    "..",
    "...",
    "a.b.c",
    "null",
    "{}",
    "Bearer",
    "\x00",
    "a" * 4_097,
    "\u00e9.\u00e9.\u00e9",
    "=.=.=",
    "\ud800",
    "*.*.*",
]


@pytest.mark.parametrize("token", ZOO, ids=lambda token: ascii(token)[:12])
def test_s44_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(Invalid):
        read(token)


def test_a_token_longer_than_any_of_ours_is_not_looked_at() -> None:
    assert len(forge(claims=CLAIMS | {"extra": "a" * 11_000})) < access_tokens.MAX_LENGTH
    with pytest.raises(Invalid):
        read(forge(claims=CLAIMS | {"extra": "a" * 13_000}))


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({}, None),
        ({"exp": NOW + 1}, None),
        ({"exp": NOW}, Expired),
        ({"exp": NOW - 120}, Expired),
        ({"exp": -1}, Expired),
        ({"iat": NOW + 30}, None),
        ({"iat": NOW + 31}, Invalid),
        ({"nbf": NOW + 30}, None),
        ({"nbf": NOW + 31}, Invalid),
        ({"nbf": NOW - 10**9}, None),
        ({"iat": NOW + 3_600, "exp": NOW + 7_200}, Invalid),
    ],
)
def test_s38_s41_a_token_holds_in_its_time_and_no_other(
    changes: dict[str, int], refusal: type[Exception] | None
) -> None:
    claims = read(forge(claims=CLAIMS | changes))
    with pytest.raises(refusal) if refusal else nullcontext():
        access_tokens.check_time(claims, NOW)
