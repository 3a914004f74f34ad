"""The events of accounts."""

import base64
import json
from contextlib import nullcontext
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.utils import timezone

from tests.api import NEW_PASSWORD, PASSWORD, Api, Member
from tests.mail_flows import (
    ADDRESS,
    OTHER,
    change_email,
    delete_account,
    request_email_change,
    request_mail,
    reset_password,
    undo_email_change,
    verified_member,
)
from tests.mailbox import last_mail_to, mails_to
from users import events, metrics
from users.caller import Caller
from users.events import EventKind
from users.mail import messages, outbox
from users.models import Event, Session, User

PAGE = """query ($first: Int, $after: String) { me { events(first: $first, after: $after) {
    edges { cursor node { id kind at ipAddress userAgent } } pageInfo { hasNextPage endCursor } } } }"""


def cursor(moment: str) -> str:
    """A cursor to a moment that no event has."""
    return base64.urlsafe_b64encode(f"{moment} {UUID(int=0)}".encode()).decode()


def recorded() -> float | None:
    return metrics.registry.get_sample_value("gateway_events_total", {"kind": "password.changed"})


def kinds(member: Member) -> list[str]:
    page = member("{ me { events { edges { node { kind } } } } }").data["me"]["events"]
    return [edge["node"]["kind"] for edge in page["edges"]]


def test_s89_events_are_listed_newest_first(api: Api) -> None:
    alice = api.new_member()
    api.sign_in("alice", "wrong")
    phone = api.sign_in_member()
    phone('mutation { updateProfile(bio: "hello") { user { bio } } }')
    api.change_password(phone.token, "wrong")
    api.revoke(alice.refresh_token)
    api.change_password(phone.token, PASSWORD, NEW_PASSWORD)
    first = api.refresh(phone.refresh_token).data["refreshToken"]["refreshToken"]
    api.refresh(first)
    Session.objects.update(rotated_at=timezone.now() - timedelta(minutes=1))
    assert api.refresh(phone.refresh_token).code == "TOKEN_REUSED"
    assert kinds(api.sign_in_member("alice", NEW_PASSWORD)) == [
        "SIGNED_IN",
        "REFRESH_REUSED",
        "PASSWORD_CHANGED",
        "SESSION_ENDED",
        "PASSWORD_REFUSED",
        "PROFILE_CHANGED",
        "SIGNED_IN",
        "SIGN_IN_REFUSED",
        "ACCOUNT_REGISTERED",
    ]


def test_s89_an_event_says_who_when_from_where_and_in_which_session(api: Api) -> None:
    api.new_member()
    answer = api.sign_in("alice", **{"User-Agent": "Mozilla/5.0 (\x1b[31m\u2028)"})
    event = Event.objects.get(kind=EventKind.SIGNED_IN.value)
    assert event.user == User.objects.get(username="alice")
    assert str(event.session_id) == answer.data["tokenAuth"]["claims"]["sid"]
    assert event.ip_address == "127.0.0.1"
    assert event.user_agent == "Mozilla/5.0 ([31m)"
    assert timezone.now() - event.at < timedelta(minutes=1)


def test_pages_follow_one_another_without_gap_or_repeat(api: Api) -> None:
    alice = api.new_member()
    user, moment = User.objects.get(), timezone.now()
    Event.objects.bulk_create(
        Event(user=user, kind=EventKind.SIGNED_IN.value, at=moment - timedelta(seconds=number // 3))
        for number in range(24)
    )
    seen, after = [], None
    while True:
        page = alice(PAGE, first=7, after=after).data["me"]["events"]
        seen += [edge["node"]["id"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(seen) == len(set(seen)) == 25
    assert seen == [str(event.id) for event in Event.objects.order_by("-at", "-id")]


def test_a_page_costs_one_statement(api: Api, statements: Any) -> None:
    alice = api.new_member()
    with statements() as counted:
        alice(PAGE, first=20).data  # noqa: B018
    assert len(counted) == 2


# How each engine says that it walks the index, and what it would say of a sort.
PLANS = {
    "sqlite": ("EXPLAIN QUERY PLAN", "USING INDEX event_of_user", "TEMP B-TREE"),
    "postgresql": ("EXPLAIN", "using event_of_user", "Sort Key"),
    "mysql": ("EXPLAIN FORMAT=JSON", '"key": "event_of_user"', "filesort"),
}


def test_page_of_events_walks_an_index_and_sorts_nothing(api: Api, statements: Any) -> None:
    alice, moment = api.new_member("alice"), timezone.now()
    others = User.objects.bulk_create(User(username=f"user{n}", email=f"user{n}@example.com") for n in range(49))
    people = [User.objects.get(username="alice"), *others]
    Event.objects.bulk_create(
        (
            Event(user=people[number % 50], kind=EventKind.SIGNED_IN.value, at=moment - timedelta(seconds=number))
            for number in range(6_000)
        ),
        batch_size=3_000,
    )
    explain, walk, sort = PLANS[connection.vendor]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE users_event")
    after = None
    for _ in range(2):
        with statements() as seen:
            after = alice(PAGE, first=20, after=after).data["me"]["events"]["pageInfo"]["endCursor"]
        (reading,) = (text for text in seen if "users_event" in text)
        with connection.cursor() as cursor:
            cursor.execute(f"{explain} {reading}")
            plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
        assert walk in plan
        assert sort not in plan


@pytest.mark.parametrize(
    ("variables", "field"),
    [
        ({"first": -1}, "first"),
        ({"first": 101}, "first"),
        ({"after": "rubbish"}, "after"),
        ({"after": "\u2028"}, "after"),
        ({"after": "MjAyNi0wMS0wMSAxMjM="}, "after"),
        ({"after": cursor("0001-01-01T00:00:00+23:59")}, "after"),
        ({"after": cursor("9999-12-31T23:59:59-23:59")}, "after"),
        ({"after": "MjAyNi0wMS0wMVQwMDowMDowMCAwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDA="}, "after"),
    ],
)
def test_a_page_that_cannot_be_is_refused(api: Api, variables: dict[str, Any], field: str) -> None:
    assert api.new_member()(PAGE, **variables).field_errors == {(field, "INVALID")}


def test_events_of_other_users_are_hidden(api: Api) -> None:
    api.new_member("alice")
    assert kinds(api.new_member("bob")) == ["ACCOUNT_REGISTERED"]


def test_a_refusal_is_recorded_although_it_rolls_back(api: Api) -> None:
    alice = api.new_member()
    api.change_password(alice.token, "wrong")
    assert Event.objects.filter(kind=EventKind.PASSWORD_REFUSED.value).exists()


@pytest.mark.django_db(transaction=True)
def test_s89_a_refresh_is_said_to_the_log_and_not_kept(api: Api, caplog: Any) -> None:
    alice = api.new_member()
    api.refresh(alice.refresh_token)
    line = json.loads(caplog.messages[-1])
    assert (line["event"], line["session"], line["generation"]) == ("session.refreshed", alice.claims["sid"], 1)
    assert Event.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_nested", [False, True])
def test_s100_what_is_rolled_back_leaves_no_line_no_count_and_no_mail(caplog: Any, is_nested: bool) -> None:
    alice = User.objects.create_user("alice", ADDRESS, is_email_verified=True)
    counted = recorded()
    with transaction.atomic(), transaction.atomic() if is_nested else nullcontext():
        events.record(Caller(), EventKind.PASSWORD_CHANGED, user=alice)
        outbox.notify(Caller(), messages.password_changed, user=alice)
        transaction.set_rollback(True)
    assert "password.changed" not in caplog.text
    assert recorded() == counted
    assert not Event.objects.exists()
    assert mails_to(ADDRESS) == []
    with transaction.atomic():
        events.record(Caller(), EventKind.PASSWORD_CHANGED, user=alice)
        assert "password.changed" not in caplog.text, "not before the commit"
    assert "password.changed" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_s91_a_log_line_cannot_be_forged(db: None, caplog: Any) -> None:
    hostile = 'a"}\r\n{"event": "forged"\x1b[2J\u2028\u2029'
    events.record(Caller(user_agent=hostile), EventKind.SIGN_IN_REFUSED, user=None, note=hostile)
    (line,) = (each for each in caplog.messages if "sign_in.refused" in each)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["note"] == hostile


@pytest.mark.django_db(transaction=True)
def test_s90_no_secret_reaches_the_log_or_the_table(api: Api, caplog: Any) -> None:
    alice = api.new_member()
    again = api.sign_in_member()
    api.sign_in("alice", "a wrong guess")
    api.sign_in("a password in the wrong box", "a wrong guess")
    api.change_password(again.token, "a wrong guess", NEW_PASSWORD)
    api.change_password(again.token, PASSWORD, NEW_PASSWORD)
    refreshed = api.refresh(again.refresh_token).data["refreshToken"]["refreshToken"]
    api.revoke(refreshed)
    secrets = [PASSWORD, NEW_PASSWORD, "a wrong guess", "in the wrong box", refreshed]
    secrets += [alice.token, again.token, alice.refresh_token, again.refresh_token]
    kept = caplog.text + "".join(map(str, Event.objects.values_list()))
    assert "session.opened" in kept
    assert not [secret for secret in secrets if secret in kept]


def test_s89_actions_by_mail_are_events_as_well(api: Api) -> None:
    change_email(verified_member())
    token = last_mail_to(ADDRESS).token
    assert "errors" not in undo_email_change(token).json
    assert "errors" not in reset_password(last_mail_to(ADDRESS).token, PASSWORD).json
    delete_account(api.sign_in_member())
    assert kinds(api.sign_in_member()) == [
        "SIGNED_IN",
        "ACCOUNT_REOPENED",
        "ACCOUNT_CLOSED",
        "SESSION_ENDED",
        "SIGNED_IN",
        "PASSWORD_RESET",
        "EMAIL_CHANGE_UNDONE",
        "SESSION_ENDED",
        "EMAIL_CHANGED",
        "EMAIL_CHANGE_REQUESTED",
        "EMAIL_VERIFIED",
        "ACCOUNT_REGISTERED",
    ]


@pytest.mark.django_db(transaction=True)
def test_s90_no_mailed_secret_and_no_address_reaches_the_log_or_the_table(api: Api, caplog: Any) -> None:
    alice = verified_member()
    request_email_change(alice)
    request_mail("reset")
    secrets = [mail.token for mail in (*mails_to(ADDRESS), *mails_to(OTHER))]
    secrets += [mail.code for mail in (*mails_to(ADDRESS), *mails_to(OTHER))]
    assert "errors" not in reset_password(last_mail_to(ADDRESS).token).json
    reset_password("rubbish-token", email=ADDRESS)
    request_mail("reset", "nobody@example.com")
    secrets += ["rubbish-token", "nobody", ADDRESS, OTHER]
    kept = caplog.text + "".join(map(str, Event.objects.values_list()))
    assert "password.reset" in kept
    assert not [secret for secret in secrets if secret in kept]


def test_what_is_anonymised_keeps_its_kind_and_moment_and_others_keep_all(api: Api) -> None:
    api.new_member("alice")
    api.sign_in("alice", "wrong", User_Agent="Browser/1")
    api.new_member("bob")
    before = list(Event.objects.order_by("at").values_list("kind", "at"))
    events.anonymise(User.objects.get(username="alice"))
    assert list(Event.objects.order_by("at").values_list("kind", "at")) == before
    for event in Event.objects.filter(user=None):
        assert (event.session_id, event.ip_address, event.user_agent, event.facts) == (None, None, "", {})
    assert Event.objects.get(user__username="bob").ip_address == "127.0.0.1"


def test_an_event_may_have_neither_user_nor_place(db: None) -> None:
    event = events.record(Caller(), EventKind.SIGN_IN_REFUSED, user=None)
    assert (event.user, event.ip_address, event.user_agent, event.session_id) == (None, None, "", None)


def test_kinds_are_named_once_and_described() -> None:
    assert len({kind.value for kind in EventKind}) == len(EventKind)
    assert all(len(kind.value) <= 40 and kind.description for kind in EventKind)
