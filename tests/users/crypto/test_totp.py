"""Codes of authenticator apps, against the test vectors of RFC 6238."""

import base64
from urllib.parse import parse_qs, urlsplit

import pytest

from users.crypto import totp

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()


# RFC 6238, appendix B, for SHA-1: the last six of eight digits.
@pytest.mark.parametrize(
    ("moment", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_rfc(moment: int, code: str) -> None:
    assert totp.code(RFC_SECRET, moment // totp.PERIOD) == code
    assert totp.matching_step(RFC_SECRET, code, moment) == moment // totp.PERIOD


def test_one_step_before_and_after_is_accepted_and_two_are_not() -> None:
    now = 1_000 * totp.PERIOD + 7
    steps = {each: totp.matching_step(RFC_SECRET, totp.code(RFC_SECRET, 1_000 + each), now) for each in range(-3, 4)}
    assert steps == {-3: None, -2: None, -1: 999, 0: 1_000, 1: 1_001, 2: None, 3: None}


def test_a_secret_has_160_random_bits() -> None:
    secrets = {totp.new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert {len(base64.b32decode(secret)) for secret in secrets} == {20}


def test_the_uri_names_the_account_and_the_issuer() -> None:
    uri = urlsplit(totp.uri(RFC_SECRET, account="alice:x@example.com", issuer="My Gateway & Co"))
    assert (uri.scheme, uri.netloc, uri.path) == ("otpauth", "totp", "/My%20Gateway%20%26%20Co:alice%3Ax%40example.com")
    assert parse_qs(uri.query) == {
        "secret": [RFC_SECRET],
        "issuer": ["My Gateway & Co"],
        "algorithm": ["SHA1"],
        "digits": ["6"],
        "period": ["30"],
    }
