"""The signing keys: given by a setting, or a ring that is made once for everyone, kept sealed, and turns."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import jwt
import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone

from tests.api import Api, age
from users.crypto import encryption
from users.crypto import signing_keys as crypto_keys
from users.models import SigningKey
from users.sessions import access_tokens, key_ring, signing_keys

ALGORITHMS = ["ES256", "EdDSA", "RS256"]
PARAMETERS = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"


def read_again() -> key_ring.KeyRing:
    """The ring of a process that has just started."""
    key_ring.clear_cache()
    return key_ring.get()


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
    assert [jwk["kid"] for jwk in key_ring.jwks()] == kids
    assert not any("d" in jwk for jwk in key_ring.jwks())


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
def test_s92_a_ring_is_made_once_sealed_and_found_again(kept: Any, algorithm: str) -> None:
    kept.GATEWAY_SIGNING_ALGORITHM = algorithm
    first = read_again()
    assert first.current.algorithm == algorithm
    current, coming = places()
    assert [*first.by_kid] == [current.kid, coming.kid]
    assert first.current.kid == current.kid
    assert not any("PRIVATE" in row.sealed for row in (current, coming))
    assert read_again().current.kid == current.kid
    assert SigningKey.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_f21_gateways_that_start_at_one_moment_share_one_ring(
    kept: Any, at_once: Callable[..., list[key_ring.KeyRing]]
) -> None:
    rings = at_once([lambda: key_ring._read(None)] * 8)
    current, coming = places()
    assert {ring.current.kid for ring in rings} == {current.kid}
    assert {kid for ring in rings for kid in ring.by_kid} == {current.kid, coming.kid}
    assert SigningKey.objects.count() == 2


def test_the_database_lets_one_key_stand_in_a_place_and_any_number_retire(kept: Any) -> None:
    read_again()
    row = {"algorithm": "ES256", "sealed": "-"}
    for place in ("current", "next"):
        with pytest.raises(IntegrityError), transaction.atomic():
            SigningKey.objects.create(kid="second", place=place, **row)
    for kid in ("one", "two"):
        SigningKey.objects.create(kid=kid, place=None, **row)


def test_f21_a_changed_secret_loses_nothing_where_the_old_one_is_a_fallback(api: Api, kept: Any) -> None:
    alice, first, old = api.join("alice"), read_again(), kept.SECRET_KEY
    kept.SECRET_KEY = "another secret, long enough for anything that is derived from it"
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY_FALLBACKS"):
        read_again()
    assert SigningKey.objects.count() == 2, "no makeshift was made"
    kept.SECRET_KEY_FALLBACKS = [old]
    assert [*read_again().by_kid] == [*first.by_kid]
    assert "errors" not in api.me(alice.token).json
    signing_keys.maintain()
    kept.SECRET_KEY_FALLBACKS = []
    assert [*read_again().by_kid] == [*first.by_kid], "sealed anew, the old secret is needed no more"


def test_a_ring_that_is_lost_is_replaced_by_withdrawing_it(kept: Any) -> None:
    lost = [*read_again().by_kid]
    kept.SECRET_KEY = "another secret, long enough for anything that is derived from it"
    for kid in lost:
        assert signing_keys.revoke(kid)
    assert not set(lost) & set(read_again().by_kid)


def test_the_ring_is_read_by_one_statement_once_in_a_while_whatever_comes(
    api: Api, kept: Any, statements: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = api.join("alice")
    read_again()
    key_ring.get()
    with statements() as seen:
        key_ring.jwks()
        for number in range(50):
            forged = jwt.encode({}, "-" * 32, headers={"kid": f"unknown{number}", "typ": "at+jwt"})
            assert api.me(forged).code == "UNAUTHENTICATED"
    assert seen == []
    later = signing_keys.time.monotonic() + signing_keys.RING_LIFETIME.total_seconds()
    monkeypatch.setattr(key_ring.time, "monotonic", lambda: later)
    with statements() as seen:
        key_ring.jwks()
        key_ring.jwks()
        assert "errors" not in api.me(alice.token).json
    assert len([text for text in seen if "signingkey" in text]) == 1
    assert len(seen) == 2


def test_what_a_transaction_made_is_not_remembered_before_it_holds(kept: Any) -> None:
    with transaction.atomic():
        lost = read_again().current.kid
        transaction.set_rollback(True)
    assert key_ring.get().current.kid != lost
    assert key_ring.get().current.kid == places()[0].kid


def test_an_unchanged_ring_stays_the_same_object_and_a_changed_one_does_not(
    kept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_keys, "RING_LIFETIME", timedelta())
    read_again()
    first = key_ring.get()
    assert key_ring.get() is first
    signing_keys.revoke(places()[1].kid)
    assert key_ring.get() is not first


# --- turned --------------------------------------------------------------------------------------


def test_s92_a_rotation_lets_the_next_key_sign_and_the_former_verify(api: Api, kept: Any) -> None:
    alice, (former, coming) = api.join("alice"), places()
    settle()
    before = timezone.now()
    assert signing_keys.rotate() == coming.kid
    ring = read_again()
    current, following = places()
    assert ring.current.kid == current.kid == coming.kid
    assert [*ring.by_kid] == [coming.kid, following.kid, former.kid]
    former.refresh_from_db()
    assert former.place is None
    kept_for = kept.GATEWAY_ACCESS_LIFETIME + signing_keys.RING_LIFETIME + signing_keys.LEEWAY
    assert before + kept_for <= former.ends_at <= timezone.now() + kept_for
    assert "errors" not in api.me(alice.token).json
    renewed = api.refresh(alice.refresh_token).data["refreshToken"]
    assert jwt.get_unverified_header(renewed["token"])["kid"] == coming.kid
    assert "errors" not in api.me(renewed["token"]).json


def test_s92_a_key_that_others_may_not_know_does_not_sign_unless_in_a_hurry(
    kept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    current, coming = read_again().by_kid
    with pytest.raises(signing_keys.NotYetPublished) as refused:
        signing_keys.rotate()
    assert refused.value.until == places()[1].created_at + signing_keys.PUBLISHED_AFTER
    assert read_again().current.kid == current
    waits: list[float] = []
    monkeypatch.setattr(signing_keys.time, "sleep", waits.append)
    assert signing_keys.rotate(skip_wait=True) == coming
    assert waits == [signing_keys.MAX_RING_AGE], "every gateway has read it by then"
    assert waits[0] > signing_keys.RING_LIFETIME.total_seconds()


def test_s92_a_retired_key_is_gone_when_its_last_token_is_over(api: Api, kept: Any) -> None:
    former = read_again().current.kid
    settle()
    signing_keys.rotate()
    SigningKey.objects.filter(kid=former).update(ends_at=timezone.now())
    assert former not in read_again().by_kid
    assert SigningKey.objects.filter(kid=former).exists()
    assert signing_keys.prune() == 1
    assert SigningKey.objects.count() == 2
    assert signing_keys.prune() == 0


@pytest.mark.django_db(transaction=True)
def test_of_rotations_at_one_moment_one_turns_the_ring(kept: Any, at_once: Callable[..., list[bool]]) -> None:
    _, coming = read_again().by_kid
    settle()

    def turn() -> bool:
        try:
            return signing_keys.rotate() == coming
        except (signing_keys.ConcurrentRotation, signing_keys.NotYetPublished):
            return False

    assert sorted(at_once([turn] * 4)) == [False, False, False, True]
    assert read_again().current.kid == coming
    assert SigningKey.objects.count() == 3


def test_s92_a_withdrawn_key_takes_its_tokens_with_it_though_they_are_remembered(api: Api, kept: Any) -> None:
    alice, (current, coming) = api.join("alice"), places()
    assert "errors" not in api.me(alice.token).json
    assert signing_keys.revoke(current.kid)
    read_again()
    answer = api.me(alice.token)
    assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", "TOKEN_INVALID")
    assert current.kid not in {key["kid"] for key in key_ring.jwks()}
    assert key_ring.get().current.kid == coming.kid
    renewed = api.refresh(alice.refresh_token).data["refreshToken"]
    assert "errors" not in api.me(renewed["token"]).json


def test_any_key_can_be_withdrawn_and_the_ring_is_whole_again(kept: Any) -> None:
    current, coming = read_again().by_kid
    assert signing_keys.revoke(coming)
    assert read_again().current.kid == current
    settle()
    signing_keys.rotate()
    assert signing_keys.revoke(current)
    assert current not in read_again().by_kid
    assert not signing_keys.revoke(current)
    assert not signing_keys.revoke("unknown")
    assert len(read_again().by_kid) == 2


# --- another algorithm ---------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["EdDSA", "RS256"])
def test_another_algorithm_signs_once_its_key_is_known_and_the_old_one_verifies(
    api: Api, kept: Any, algorithm: str
) -> None:
    alice = api.join("alice")
    settle()
    kept.GATEWAY_SIGNING_ALGORITHM = algorithm
    assert read_again().current.algorithm == "ES256", "the new key is shown before it signs"
    assert {key["alg"] for key in key_ring.jwks()} == {"ES256", algorithm}
    settle()
    assert read_again().current.algorithm == algorithm
    assert "errors" not in api.me(alice.token).json
    other = api.refresh(alice.refresh_token).data["refreshToken"]["token"]
    assert jwt.get_unverified_header(other)["alg"] == algorithm
    signing_keys.maintain()
    assert [row.place for row in SigningKey.objects.filter(algorithm="ES256")] == [None]
    read_again()
    assert "errors" not in api.me(alice.token).json, "retired, until its tokens are over"


def test_gateways_of_two_algorithms_take_each_others_tokens_while_one_replaces_the_other(api: Api, kept: Any) -> None:
    settings = ["ES256", "EdDSA"]
    for algorithm in settings:
        kept.GATEWAY_SIGNING_ALGORITHM = algorithm
        read_again()
    settle()
    for algorithm in settings * 2:
        kept.GATEWAY_SIGNING_ALGORITHM = algorithm
        assert read_again().current.algorithm == algorithm
        assert "errors" not in api.me(api.join(f"{algorithm}{len(key_ring.jwks())}{timezone.now():%f}").token).json
    assert SigningKey.objects.count() == 4


# --- what was there before -----------------------------------------------------------------------


def test_a_key_of_before_the_ring_signs_on(kept: Any) -> None:
    pem = crypto_keys.generate("ES256")
    kid = crypto_keys.load(pem).kid
    SigningKey.objects.create(kid=kid, algorithm="ES256", sealed=encryption.encrypt(pem, [kept.SECRET_KEY]))
    import_module("users.migrations.0002_ring_of_keys").give_places(apps, None)
    assert read_again().current.kid == kid
    assert places()[0].signs_from == places()[0].created_at
    assert len(key_ring.jwks()) == 2


def test_what_is_remembered_of_a_token_is_bound_to_the_ring(api: Api, kept: Any) -> None:
    alice = api.join("alice")
    api.me(alice.token)
    api.me(alice.token)
    assert access_tokens._verified_claims.cache_info().hits
    access_tokens._verified_claims.cache_clear()
    settle()
    signing_keys.rotate()
    read_again()
    api.me(alice.token)
    assert access_tokens._verified_claims.cache_info().misses == 1


def places() -> tuple[SigningKey, SigningKey]:
    """The rows of the current and the next key."""
    lane = SigningKey.objects.filter(algorithm=signing_keys.settings.GATEWAY_SIGNING_ALGORITHM)
    return lane.get(place="current"), lane.get(place="next")


def settle() -> None:
    """Let so much time go by that everybody knows the keys there are."""
    age(SigningKey.objects, signing_keys.PUBLISHED_AFTER, "created_at")


# --- without a database --------------------------------------------------------------------------


def test_f06_who_waits_while_another_asks_in_vain_does_not_ask_again(
    kept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, has_come = [], threading.Barrier(2)

    def silent(known: key_ring.KeyRing | None) -> key_ring.KeyRing:
        asked.append(known)
        has_come.wait(10)
        time.sleep(0.5)
        raise OperationalError("the server is silent")

    def ask() -> None:
        with pytest.raises(OperationalError):
            key_ring.get()

    monkeypatch.setattr(key_ring, "_read", silent)
    people = [threading.Thread(target=ask) for _ in range(5)]
    people[0].start()
    has_come.wait(10)
    for person in people[1:]:
        person.start()
    for person in people:
        person.join(10)
    assert len(asked) == 1
    monkeypatch.undo()
    assert key_ring.get()
