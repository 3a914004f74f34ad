"""The signing keys: given by a setting, or made once for everyone and kept sealed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.api import Api
from users import keys
from users.crypto import keys as crypto_keys
from users.crypto.seals import Unsealable
from users.models import SigningKey

ALGORITHMS = ["ES256", "EdDSA", "RS256"]
PARAMETERS = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"


def read_again() -> keys.Ring:
    """The ring of a process that has just started."""
    keys.ring.cache_clear()
    return keys.ring()


@pytest.fixture
def kept(settings: Any, db: None) -> Any:
    """A gateway that was given no key."""
    settings.GATEWAY_SIGNING_KEYS = ""
    return settings


# --- given ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_from_a_setting_signs_what_the_gateway_gives(api: Api, settings: Any, algorithm: str) -> None:
    pem = crypto_keys.generate(algorithm)
    settings.GATEWAY_SIGNING_KEYS = pem
    alice = api.join("alice")
    key = crypto_keys.load(pem)
    assert jwt.get_unverified_header(alice.token)["alg"] == algorithm
    assert jwt.decode(alice.token, key.public, algorithms=[algorithm], audience="gateway")["sub"] == alice.claims["sub"]
    assert "errors" not in api.me(alice.token).json
    assert not SigningKey.objects.exists()


def test_a_key_is_taken_as_a_text_with_written_breaks_or_as_a_file(settings: Any, tmp_path: Path) -> None:
    pem = crypto_keys.generate("ES256")
    file = tmp_path / "key.pem"
    file.write_text(f"a comment\n{pem}")
    for value in (pem, pem.replace("\n", "\\n"), pem.replace("\n", "\r\n"), PARAMETERS + pem, str(file)):
        settings.GATEWAY_SIGNING_KEYS = value
        assert read_again().current.kid == crypto_keys.load(pem).kid


def test_of_several_keys_the_first_signs_and_all_verify(settings: Any) -> None:
    pems = [crypto_keys.generate(algorithm) for algorithm in ALGORITHMS]
    settings.GATEWAY_SIGNING_KEYS = "\n".join(pems)
    ring = read_again()
    kids = [crypto_keys.load(pem).kid for pem in pems]
    assert ring.current.kid == kids[0]
    assert list(ring.by_kid) == kids
    assert [jwk["kid"] for jwk in keys.jwks()] == kids
    assert not any("d" in jwk for jwk in keys.jwks())


@pytest.mark.parametrize(
    ("value", "refusal"),
    [
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", crypto_keys.UnusableKey),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", crypto_keys.UnusableKey),
        ("-----BEGIN PRIVATE KEY-----", crypto_keys.UnusableKey),
        ("/no/such/file.pem", FileNotFoundError),
    ],
)
def test_a_setting_without_a_key_stops_instead_of_making_one(
    settings: Any, value: str, refusal: type[Exception]
) -> None:
    settings.GATEWAY_SIGNING_KEYS = value
    with pytest.raises(refusal):
        read_again()


# --- kept ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_is_made_once_sealed_and_found_again(kept: Any, algorithm: str) -> None:
    kept.GATEWAY_SIGNING_ALGORITHM = algorithm
    first = read_again().current
    assert first.algorithm == algorithm
    row = SigningKey.objects.get()
    assert (row.kid, row.algorithm) == (first.kid, algorithm)
    assert "PRIVATE" not in row.sealed
    assert read_again().current.kid == first.kid
    assert SigningKey.objects.count() == 1


def test_another_algorithm_gets_a_key_of_its_own(kept: Any) -> None:
    first = read_again().current
    kept.GATEWAY_SIGNING_ALGORITHM = "EdDSA"
    assert read_again().current.kid != first.kid
    kept.GATEWAY_SIGNING_ALGORITHM = "ES256"
    assert read_again().current.kid == first.kid


@pytest.mark.django_db(transaction=True)
def test_gateways_that_start_at_one_moment_share_one_key(kept: Any, at_once: Callable[..., list[keys.Ring]]) -> None:
    rings = at_once([keys.ring.__wrapped__] * 8)
    assert {ring.current.kid for ring in rings} == {SigningKey.objects.get().kid}


def test_who_makes_a_key_too_late_takes_the_one_that_is_there(kept: Any) -> None:
    first = read_again().current
    assert keys._make("ES256").kid == first.kid
    assert SigningKey.objects.count() == 1


def test_a_changed_secret_opens_the_key_where_the_old_one_is_a_fallback(kept: Any) -> None:
    first, old = read_again().current, kept.SECRET_KEY
    kept.SECRET_KEY = "another secret, long enough for anything that is derived from it"
    with pytest.raises(Unsealable):
        read_again()
    kept.SECRET_KEY_FALLBACKS = [old]
    assert read_again().current.kid == first.kid


def test_the_ring_is_read_once_a_process(kept: Any, statements: Callable[[], Any]) -> None:
    read_again()
    with statements() as seen:
        keys.ring()
        keys.jwks()
    assert seen == []
