"""Guessing passwords: at once, from everywhere, at everyone, behind forged addresses."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.api import NEW_PASSWORD, PASSWORD, Answer, Api
from users.models import Attempts, Event, Session

FIVE_AN_ADDRESS = {"sign_in_address": [(5, timedelta(minutes=5))]}
RACES = pytest.mark.django_db(transaction=True)


@RACES
def test_s27_of_forty_guesses_twenty_at_once_no_more_are_judged_than_the_limit_has(
    run_concurrently: Callable[..., list[Answer]], long_queue: None, hashed: list[str]
) -> None:
    Api().new_member("alice")
    Session.objects.all().delete()
    hashed.clear()
    guesses = [f"guess number {number}" for number in range(39)] + [PASSWORD]
    acts = [lambda guess=guess: Api().sign_in("alice", guess) for guess in guesses]
    # The right guess comes with the second twenty, and wipes out what the first twenty filled.
    answers = run_concurrently(acts[:20]) + run_concurrently(acts[20:])
    codes = [answer.code if "errors" in answer.json else "a token" for answer in answers]
    judged = [code for code in codes if code != "RATE_LIMITED"]
    assert set(codes) <= {"INVALID_CREDENTIALS", "RATE_LIMITED", "a token"}
    # Who guesses right is forgiven, and with it what was guessed before: no more than that once again.
    assert 10 <= len(judged) == len(hashed) <= (20 if "a token" in codes else 10)
    told = Event.objects.filter(kind="attempts.throttled", user__username="alice").count()
    assert 1 <= told <= 2, "the owner can read of it, and it fills no table"


@RACES
def test_s20_s29_strangers_everywhere_guess_at_once_and_the_owner_signs_in_at_home(
    run_concurrently: Callable[..., list[Answer]], from_address: Callable[..., Answer], long_queue: None
) -> None:
    home = "192.0.2.1"
    Api().new_member("alice")
    owner = from_address(home, password=PASSWORD).data["tokenAuth"]
    acts = [lambda number=number: from_address(f"198.51.100.{number}") for number in range(36)]
    for position in (0, 10, 20, 30):
        acts.insert(position, lambda: from_address(home, password=PASSWORD))
    answers = run_concurrently(acts[:20]) + run_concurrently(acts[20:])
    tokens = [answer for answer in answers if "errors" not in answer.json]
    assert len(tokens) == 4, "the owner got in every time, and nobody else"
    codes = [answer.code for answer in answers if "errors" in answer.json]
    assert sorted(set(codes)) == ["INVALID_CREDENTIALS", "RATE_LIMITED"]
    assert codes.count("INVALID_CREDENTIALS") <= 12
    # A right guess comes too late, and signed-in users stay signed in. Where a guess found the owner
    # being counted, a place may have been left for another.
    while from_address("203.0.113.8").code != "RATE_LIMITED":
        pass
    assert from_address("203.0.113.9", password=PASSWORD).code == "RATE_LIMITED"
    assert Api().me(owner["token"]).data["me"]["username"] == "alice"
    assert Api().refresh(owner["refreshToken"]).data["refreshToken"]["token"]


def test_s20_one_account_withstands_strangers_who_come_back_after_every_wait(
    api: Api, from_address: Callable[..., Answer], settings: Any
) -> None:
    api.new_member("alice")
    Session.objects.all().delete()
    short, day = (4, timedelta(minutes=5)), (9, timedelta(days=1))
    settings.GATEWAY_LIMITS = settings.GATEWAY_LIMITS | {"sign_in_elsewhere": [short, day]}
    judged = []
    for window in range(4):
        codes = [from_address(f"198.51.{window}.{number}").code for number in range(5)]
        judged.append(codes.count("INVALID_CREDENTIALS"))
        Attempts.objects.filter(window__lte=300_000).update(until=0)
    assert judged == [4, 4, 1, 0], "a day has an end of its own"


def test_s20_a_day_allows_fewer_than_the_hundred_guesses_of_nist(settings: Any) -> None:
    days = [tries for tries, window in settings.GATEWAY_LIMITS["sign_in_elsewhere"] if window >= timedelta(days=1)]
    assert days == [45]


def test_s24_one_address_sprays_one_password_over_many_accounts(api: Api, from_address: Callable[..., Answer]) -> None:
    for number in (5, 25):
        api.new_member(f"user{number}", password=NEW_PASSWORD)
    sprayed = [from_address("203.0.113.7", f"user{number}", NEW_PASSWORD) for number in range(30)]
    found = [number for number, answer in enumerate(sprayed) if "errors" not in answer.json]
    assert found == [5], "what is behind the limit is not found"
    assert [answer.code for answer in sprayed[21:]] == ["RATE_LIMITED"] * 9
    assert from_address("203.0.113.8", "user25", NEW_PASSWORD).data["tokenAuth"]["token"], "others are not concerned"


def test_s24_a_household_s_many_ipv6_addresses_and_an_ipv4_one_in_disguise_spray_no_more(
    api: Api, from_address: Callable[..., Answer], settings: Any
) -> None:
    settings.GATEWAY_LIMITS = settings.GATEWAY_LIMITS | FIVE_AN_ADDRESS
    wide = [from_address(f"2001:db8:1:2:{number:x}::1", f"user{number}").code for number in range(7)]
    assert wide.count("INVALID_CREDENTIALS") == 5
    forms = ["203.0.113.7", "::ffff:203.0.113.7", "::FFFF:cb00:7107"]
    narrow = [from_address(forms[number % 3], f"user{number}").code for number in range(7)]
    assert narrow.count("INVALID_CREDENTIALS") == 5
    assert from_address("::ffff:203.0.113.8", "user99").code == "INVALID_CREDENTIALS", "a neighbour is another"


FORGED = {
    "X-Forwarded-For": "{0}",
    "X-Forwarded-For, several": "{0}, {1}, {0}",
    "Forwarded": "for={0};proto=https",
    "X-Real-IP": "{0}",
    "True-Client-IP": "{0}",
    "CF-Connecting-IP": "{0}",
    "X-Client-IP": "{0}",
}


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_s26_forged_address_authenticates_no_user(api: Api, settings: Any, name: str, proxies: int) -> None:
    settings.GATEWAY_TRUSTED_PROXIES = proxies
    settings.GATEWAY_LIMITS = settings.GATEWAY_LIMITS | FIVE_AN_ADDRESS
    header = name.partition(",")[0]
    codes = []
    for number in range(7):
        headers = {header: FORGED[name].format(f"198.51.100.{number}", f"2001:db8:{number}::1")}
        # Each proxy appends whom it saw: the client first, then the proxies before it.
        seen = ["203.0.113.7", "10.0.0.1"][:proxies]
        if seen:
            sent = [headers["X-Forwarded-For"]] if header == "X-Forwarded-For" else []
            headers["X-Forwarded-For"] = ", ".join([*sent, *seen])
        codes.append(api.sign_in(f"user{number}", "a wrong guess", **headers).code)
    assert codes == ["INVALID_CREDENTIALS"] * 5 + ["RATE_LIMITED"] * 2
    assert set(Event.objects.values_list("ip_address", flat=True)) == {"203.0.113.7" if proxies else "127.0.0.1"}
