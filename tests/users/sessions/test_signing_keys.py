"""The signing keys: given by a setting, or a ring that is made once for everyone, without_key sealed, and turns."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import jwt
import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests.api import Api
from tests.users.sessions.rings import ALGORITHMS, current_and_next, let_all_keys_be_known, restarted_ring
from users.crypto import encryption
from users.crypto import signing_keys as crypto_keys
from users.models import SigningKey
from users.sessions import key_ring, signing_keys


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_s92_a_ring_is_made_once_sealed_and_found_again(without_key: Any, algorithm: str) -> None:
    without_key.GATEWAY_SIGNING_ALGORITHM = algorithm
    first = restarted_ring()
    assert first.current.algorithm == algorithm
    current, coming = current_and_next()
    assert [*first.by_kid] == [current.kid, coming.kid]
    assert first.current.kid == current.kid
    assert not any("PRIVATE" in row.sealed for row in (current, coming))
    assert restarted_ring().current.kid == current.kid
    assert SigningKey.objects.count() == 2


def test_the_database_lets_one_key_stand_in_a_place_and_any_number_retire(without_key: Any) -> None:
    restarted_ring()
    row = {"algorithm": "ES256", "sealed": "-"}
    for place in ("current", "next"):
        with pytest.raises(IntegrityError), transaction.atomic():
            SigningKey.objects.create(kid="second", place=place, **row)
    for kid in ("one", "two"):
        SigningKey.objects.create(kid=kid, place=None, **row)


def test_a_ring_that_is_lost_is_replaced_by_withdrawing_it(without_key: Any) -> None:
    lost = [*restarted_ring().by_kid]
    without_key.SECRET_KEY = "another secret, long enough for anything that is derived from it"
    for kid in lost:
        assert signing_keys.revoke(kid)
    assert not set(lost) & set(restarted_ring().by_kid)


def test_s92_a_rotation_lets_the_next_key_sign_and_the_former_verify(api: Api, without_key: Any) -> None:
    alice, (former, coming) = api.new_member("alice"), current_and_next()
    let_all_keys_be_known()
    before = timezone.now()
    assert signing_keys.rotate() == coming.kid
    ring = restarted_ring()
    current, following = current_and_next()
    assert ring.current.kid == current.kid == coming.kid
    assert [*ring.by_kid] == [coming.kid, following.kid, former.kid]
    former.refresh_from_db()
    assert former.place is None
    kept_for = without_key.GATEWAY_ACCESS_LIFETIME + signing_keys.RING_LIFETIME + signing_keys.LEEWAY
    assert before + kept_for <= former.ends_at <= timezone.now() + kept_for
    assert "errors" not in api.me(alice.token).json
    renewed = api.refresh(alice.refresh_token).data["refreshToken"]
    assert jwt.get_unverified_header(renewed["token"])["kid"] == coming.kid
    assert "errors" not in api.me(renewed["token"]).json


def test_s92_a_key_that_others_may_not_know_does_not_sign_unless_in_a_hurry(
    without_key: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    current, coming = restarted_ring().by_kid
    with pytest.raises(signing_keys.NotYetPublished) as refused:
        signing_keys.rotate()
    assert refused.value.until == current_and_next()[1].created_at + signing_keys.PUBLISHED_AFTER
    assert restarted_ring().current.kid == current
    waits: list[float] = []
    monkeypatch.setattr(signing_keys.time, "sleep", waits.append)
    assert signing_keys.rotate(skip_wait=True) == coming
    assert waits == [signing_keys.MAX_RING_AGE], "every gateway has read it by then"
    assert waits[0] > signing_keys.RING_LIFETIME.total_seconds()


def test_s92_a_retired_key_is_gone_when_its_last_token_is_over(api: Api, without_key: Any) -> None:
    former = restarted_ring().current.kid
    let_all_keys_be_known()
    signing_keys.rotate()
    SigningKey.objects.filter(kid=former).update(ends_at=timezone.now())
    assert former not in restarted_ring().by_kid
    assert SigningKey.objects.filter(kid=former).exists()
    assert signing_keys.prune() == 1
    assert SigningKey.objects.count() == 2
    assert signing_keys.prune() == 0


@pytest.mark.django_db(transaction=True)
def test_of_rotations_at_one_moment_one_turns_the_ring(
    without_key: Any, run_concurrently: Callable[..., list[bool]]
) -> None:
    _, coming = restarted_ring().by_kid
    let_all_keys_be_known()

    def turn() -> bool:
        try:
            return signing_keys.rotate() == coming
        except (signing_keys.ConcurrentRotation, signing_keys.NotYetPublished):
            return False

    assert sorted(run_concurrently([turn] * 4)) == [False, False, False, True]
    assert restarted_ring().current.kid == coming
    assert SigningKey.objects.count() == 3


def test_s92_a_withdrawn_key_takes_its_tokens_with_it_though_they_are_remembered(api: Api, without_key: Any) -> None:
    alice, (current, coming) = api.new_member("alice"), current_and_next()
    assert "errors" not in api.me(alice.token).json
    assert signing_keys.revoke(current.kid)
    restarted_ring()
    answer = api.me(alice.token)
    assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", "TOKEN_INVALID")
    assert current.kid not in {key["kid"] for key in key_ring.jwks()}
    assert key_ring.get().current.kid == coming.kid
    renewed = api.refresh(alice.refresh_token).data["refreshToken"]
    assert "errors" not in api.me(renewed["token"]).json


def test_any_key_can_be_withdrawn_and_the_ring_is_whole_again(without_key: Any) -> None:
    current, coming = restarted_ring().by_kid
    assert signing_keys.revoke(coming)
    assert restarted_ring().current.kid == current
    let_all_keys_be_known()
    signing_keys.rotate()
    assert signing_keys.revoke(current)
    assert current not in restarted_ring().by_kid
    assert not signing_keys.revoke(current)
    assert not signing_keys.revoke("unknown")
    assert len(restarted_ring().by_kid) == 2


@pytest.mark.parametrize("algorithm", ["EdDSA", "RS256"])
def test_another_algorithm_signs_once_its_key_is_known_and_the_old_one_verifies(
    api: Api, without_key: Any, algorithm: str
) -> None:
    alice = api.new_member("alice")
    let_all_keys_be_known()
    without_key.GATEWAY_SIGNING_ALGORITHM = algorithm
    assert restarted_ring().current.algorithm == "ES256", "the new key is shown before it signs"
    assert {key["alg"] for key in key_ring.jwks()} == {"ES256", algorithm}
    let_all_keys_be_known()
    assert restarted_ring().current.algorithm == algorithm
    assert "errors" not in api.me(alice.token).json
    other = api.refresh(alice.refresh_token).data["refreshToken"]["token"]
    assert jwt.get_unverified_header(other)["alg"] == algorithm
    signing_keys.maintain()
    assert [row.place for row in SigningKey.objects.filter(algorithm="ES256")] == [None]
    restarted_ring()
    assert "errors" not in api.me(alice.token).json, "retired, until its tokens are over"


def test_gateways_of_two_algorithms_accept_the_tokens_of_each_other(api: Api, without_key: Any) -> None:
    settings = ["ES256", "EdDSA"]
    for algorithm in settings:
        without_key.GATEWAY_SIGNING_ALGORITHM = algorithm
        restarted_ring()
    let_all_keys_be_known()
    for algorithm in settings * 2:
        without_key.GATEWAY_SIGNING_ALGORITHM = algorithm
        assert restarted_ring().current.algorithm == algorithm
        assert (
            "errors" not in api.me(api.new_member(f"{algorithm}{len(key_ring.jwks())}{timezone.now():%f}").token).json
        )
    assert SigningKey.objects.count() == 4


def test_a_key_of_before_the_ring_signs_on(without_key: Any) -> None:
    pem = crypto_keys.generate("ES256")
    kid = crypto_keys.load(pem).kid
    SigningKey.objects.create(kid=kid, algorithm="ES256", sealed=encryption.encrypt(pem, [without_key.SECRET_KEY]))
    import_module("users.migrations.0002_ring_of_keys").give_places(apps, None)
    assert restarted_ring().current.kid == kid
    assert current_and_next()[0].signs_from == current_and_next()[0].created_at
    assert len(key_ring.jwks()) == 2
