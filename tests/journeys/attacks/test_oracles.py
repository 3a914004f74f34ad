"""Asking whether an account is there: by answers, by hashes, by statements, by what limits say."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.api import PASSWORD, Answer, Api
from users.models import Event, Session, User

# A text, a number or an id that stands in a statement, and what this one was called.
VALUES = re.compile(r"('[^']*'|\bNULL\b|\b\d+(\.\d+)?\b)(::\w+)?")
# Several accounts may claim an email, so a lookup by email has an order, which cannot be measured.
ORDER = re.compile(r" ORDER BY .users_user.\..is_email_verified.*? LIMIT \?")


@pytest.fixture
def accounts(api: Api) -> list[str]:
    """The names of every kind of account, and of none. The attacker's address has no sign-ins."""
    kinds = ["known", "inactive", "unusable"]
    for name in kinds:
        api.new_member(name)
    User.objects.filter(username="inactive").update(is_active=False)
    User.objects.filter(username="unusable").update(password="!")
    Session.objects.update(ip_address="192.0.2.1")
    return [*kinds, "unknown", "unknown@example.com"]


def shape(statement: str) -> str:
    """A statement without its values, and without the difference between a lookup by email and one by username."""
    return ORDER.sub("", VALUES.sub("?", statement).replace("email_key", "username_key"))


def test_s18_s19_every_refusal_costs_the_same_statements_and_one_hash(
    accounts: list[str], statements: Any, hashed: list[str]
) -> None:
    for step in ("makes rows of counts", "finds them there"):
        costs = {}
        for name in accounts:
            hashed.clear()
            with statements() as seen:
                assert Api().sign_in(name, "a wrong guess").code == "INVALID_CREDENTIALS"
            costs[name] = ([shape(each) for each in seen], len(hashed))
        expected = costs.pop("known")
        assert expected[1] == 1
        assert costs == dict.fromkeys(costs, expected), step


def story(
    from_address: Callable[..., Answer], statements: Any, hashed: list[str], name: str, net: str
) -> list[tuple[Any, ...]]:
    """Return the answers to an attacker that uses up every limit of a name, then sends the right password."""
    told = []
    for number in range(16):
        address = f"{net}.{number % 2 if number < 12 else number}"
        hashed.clear()
        with statements() as seen:
            answer = from_address(address, name, PASSWORD if number > 13 else "a wrong guess")
        body = re.sub(rb"\d+ seconds|(?<=retryAfter\":)\d+", b"N", answer.response.content)
        wait = answer.extensions.get("retryAfter", 0)
        headers = sorted(set(answer.response.headers))
        told.append((answer.status, body, headers, round(wait, -2), len(seen), len(hashed)))
    return told


def test_s18_s25_limits_that_are_used_up_tell_no_more_than_limits_that_are_not(
    accounts: list[str], from_address: Callable[..., Answer], statements: Any, hashed: list[str]
) -> None:
    seen = {
        name: story(from_address, statements, hashed, name, f"198.51.{number}") for number, name in enumerate(accounts)
    }
    expected = seen["known"]
    assert {line[1].count(b"RATE_LIMITED") for line in expected[:12]} == {0}
    assert {line[1].count(b"RATE_LIMITED") for line in expected[12:]} == {1}
    assert seen == dict.fromkeys(accounts, expected)


def test_s18_an_attacker_beside_the_owner_learns_nothing_elsewhere(
    accounts: list[str], from_address: Callable[..., Answer]
) -> None:
    """The owner's own sign-ins move no count that a stranger could read."""

    def ask(name: str) -> list[str]:
        codes = []
        for number in range(14):
            if name == "known":
                assert from_address("192.0.2.1", name, PASSWORD).data["tokenAuth"]["token"]
            codes.append(from_address(f"203.0.{len(name)}.{number}", name).code)
        return codes

    assert ask("known") == ask("unknown") == ["INVALID_CREDENTIALS"] * 12 + ["RATE_LIMITED"] * 2


def test_s89_who_is_known_reads_of_it_and_who_is_not_leaves_no_name(
    accounts: list[str], from_address: Callable[..., Answer]
) -> None:
    Event.objects.all().delete()
    for name in accounts:
        from_address("198.51.100.1", name)
    told = Event.objects.filter(kind="sign_in.refused").order_by("at")
    assert [event.user and event.user.username for event in told] == [*accounts[:3], None, None]
    assert "unknown" not in str(list(told.values_list()))
