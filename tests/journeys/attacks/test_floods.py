"""Floods of writes: however often an operation is refused or repeated, rows and events stay bounded."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.api import PASSWORD, Answer, Api
from tests.mail_flows import ADDRESS, verify_email
from tests.mailbox import last_mail_to
from users.models import Attempts, Event

UPDATE = "mutation ($bio: String) { updateProfile(bio: $bio) { user { bio } } }"
# The widest limit of guesses at one name, and the event that says that it is used up.
MOST_REFUSED = 45 + 1


def test_s105_profile_changes_are_limited(api: Api) -> None:
    alice = api.new_member("alice")
    answers = [alice(UPDATE, bio=str(number)) for number in range(33)]
    assert ["errors" in answer.json for answer in answers] == [False] * 30 + [True] * 3
    assert answers[-1].code == "RATE_LIMITED"
    assert answers[-1].extensions["retryAfter"] <= 600
    assert Event.objects.filter(kind="profile.changed").count() == 30
    assert Event.objects.filter(kind="attempts.throttled").count() == 1
    assert "errors" not in api.new_member("bob")(UPDATE, bio="another").json


def test_s105_a_profile_that_stays_the_same_is_not_counted(api: Api) -> None:
    alice = api.new_member("alice")
    for _ in range(33):
        assert "errors" not in alice(UPDATE, bio="").json
    assert "errors" not in alice(UPDATE, bio="new").json


@pytest.mark.parametrize("kind", ["wrong password", "unknown name", "unverified address"])
def test_s105_refused_sign_ins_write_a_bounded_number_of_rows_per_account(
    api: Api, settings: Any, from_address: Callable[..., Answer], kind: str
) -> None:
    settings.GATEWAY_EMAIL_VERIFICATION = "required"
    settings.GATEWAY_LIMITS = settings.GATEWAY_LIMITS | {"sign_in_address": [(1_000, timedelta(minutes=5))]}
    if kind != "unknown name":
        api.register("alice")
    before = Event.objects.count()
    password = PASSWORD if kind == "unverified address" else "a wrong guess"
    for _ in range(6):
        for number in range(15):
            from_address(f"203.0.113.{number % 4}", password=password)
        # The short windows are over; the long ones are not.
        Attempts.objects.filter(window__lt=3_600_000).update(until=0)
    assert Event.objects.count() - before <= MOST_REFUSED + 2 * 6
    # Three limits per place, three per name, two per client; and those of the registration.
    assert Attempts.objects.count() <= 4 * 3 + 3 + 2 * 4 + 3


def test_s105_registrations_of_a_known_address_do_not_fill_the_owner_s_events(api: Api, settings: Any) -> None:
    settings.GATEWAY_EMAIL_VERIFICATION = "required"
    api.register("alice")
    assert "errors" not in verify_email(last_mail_to(ADDRESS).token).json
    for number in range(12):
        assert "errors" not in api.register(f"mallory{number}", ADDRESS).json
    assert Event.objects.filter(user__username="alice", kind="registration.repeated").count() <= 5
