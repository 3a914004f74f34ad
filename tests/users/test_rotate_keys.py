"""`manage.py rotate_keys`: what it says and does, for people and for timers."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.api import backdate
from users.models import SigningKey
from users.sessions import key_ring, signing_keys


def rotate(*arguments: str) -> str:
    said = StringIO()
    call_command("rotate_keys", *arguments, stdout=said)
    key_ring.clear_cache()
    return said.getvalue()


@pytest.fixture(autouse=True)
def kept(settings: Any, db: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A gateway that was given no key."""
    settings.GATEWAY_SIGNING_KEYS = ""
    monkeypatch.setattr(signing_keys, "MAX_RING_AGE", 0)
    return settings


def age_ring(**span: Any) -> None:
    backdate(SigningKey.objects, signing_keys.timedelta(**span), "created_at", "signs_from")


def test_a_young_next_key_is_refused_with_the_moment_and_the_way_out() -> None:
    with pytest.raises(CommandError, match=r"before \d{4}-.+--now"):
        rotate()
    current, coming = key_ring.get().by_kid
    assert rotate("--now") == f"the current key is {coming}\n"
    assert [*key_ring.get().by_kid][::2] == [coming, current]


def test_a_settled_next_key_signs() -> None:
    _, coming = key_ring.get().by_kid
    age_ring(minutes=11)
    assert rotate() == f"the current key is {coming}\n"


def test_a_timer_turns_the_ring_only_where_it_is_time() -> None:
    current, coming = key_ring.get().by_kid
    age_ring(days=29)
    assert rotate("--every", "30d").startswith(f"{current} stays the current key until ")
    assert key_ring.get().current.kid == current
    age_ring(days=1)
    assert rotate("--every", "30d") == f"the current key is {coming}\n"
    assert rotate("--every", "30d").startswith(f"{coming} stays the current key until ")


def test_timer_prunes_and_encrypts_again_each_time(kept: Any) -> None:
    key_ring.get()
    age_ring(minutes=11)
    rotate()
    SigningKey.objects.filter(place=None).update(ends_at=signing_keys.timezone.now())
    kept.SECRET_KEY_FALLBACKS = [kept.SECRET_KEY]
    kept.SECRET_KEY = "another secret, long enough for anything that is derived from it"
    rotate("--every", "30d")
    assert SigningKey.objects.count() == 2
    kept.SECRET_KEY_FALLBACKS = []
    assert len(key_ring.get().by_kid) == 2


def test_a_leaked_key_is_withdrawn() -> None:
    current, coming = key_ring.get().by_kid
    assert rotate(f"--revoke={current}") == f"revoked {current}; the current key is {coming}\n"
    assert current not in key_ring.get().by_kid
    with pytest.raises(CommandError, match="No signing key"):
        rotate(f"--revoke={current}")


def test_a_leaked_key_is_withdrawn_whatever_its_name_begins_with() -> None:
    key_ring.get()
    SigningKey.objects.filter(place="next").update(kid="-begins-with-a-dash")
    assert rotate("--revoke=-begins-with-a-dash").startswith("revoked -begins-with-a-dash")


def test_f21_a_ring_that_cannot_be_opened_is_said_in_a_line(kept: Any) -> None:
    key_ring.get()
    kept.SECRET_KEY = "another secret, long enough for anything that is derived from it"
    key_ring.clear_cache()
    with pytest.raises(CommandError, match="SECRET_KEY_FALLBACKS"):
        rotate()


@pytest.mark.parametrize("arguments", [["--every", "soon"], ["--every", "30"], ["--now", "--revoke", "kid"]])
def test_what_makes_no_sense_is_refused(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        rotate(*arguments)


def test_given_keys_are_rotated_where_they_are_given(kept: Any) -> None:
    kept.GATEWAY_SIGNING_KEYS = "-----BEGIN"
    with pytest.raises(CommandError, match="GATEWAY_SIGNING_KEYS"):
        rotate()


def test_concurrent_rotation_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    key_ring.get()
    monkeypatch.setattr(signing_keys, "_retire", lambda rows: 0)
    with pytest.raises(CommandError, match="Another process"):
        rotate("--now")
    assert SigningKey.objects.count() == 2
