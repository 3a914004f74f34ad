"""Rows changed and made by statements written once: they are what the ORM would have left."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.utils import timezone

from users import changes, events, sessions, throttle, tokens
from users.caller import Caller
from users.errors import InvalidCredentials
from users.events import Kind
from users.models import Attempts, Event, Session, User

pytestmark = pytest.mark.django_db
FACTS = {"text": "\u00e9 \u2028 ' \" \\ %s", "none": None, "deep": [1, {"two": 2.5}], "yes": True}


@pytest.fixture
def session() -> Session:
    user = User.objects.create_user("somebody", "somebody@example.com")
    return sessions.open(Caller(ip_address="192.0.2.1"), user=user)[0]


def everything(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def rotation(session: Session, **values: Any) -> dict[str, Any]:
    now = timezone.now()
    change = {"current": "next", "previous": session.current, "generation": 1, "rotated_at": now, "expires_at": now}
    return {"id": session.id, **change, "ip_address": "2001:db8::1", "user_agent": "%s ' Agent", **values}


def test_a_made_row_is_what_was_made(session: Session) -> None:
    kept = Session.objects.get()
    assert everything(kept) == everything(session)
    assert (session._state.adding, session._state.db) == (kept._state.adding, kept._state.db)


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", None])
def test_facts_and_addresses_are_kept_as_they_are(address: str | None) -> None:
    made = events.record(Caller(ip_address=address, user_agent="%s"), Kind.SIGNED_IN, user=None, **FACTS)
    assert everything(Event.objects.get()) == everything(made)
    assert Event.objects.filter(facts__deep__1__two=2.5, ip_address=address).exists()
    assert Event.objects.get().facts == FACTS


@pytest.mark.parametrize("address", ["2001:db8::1", None])
def test_a_change_leaves_what_was_given_and_tells_how_many_rows(session: Session, address: str | None) -> None:
    change = rotation(session, ip_address=address)
    assert sessions._rotation.make(**change) == 1
    assert everything(Session.objects.get()) == everything(session) | change
    assert sessions._rotation.make(**change) == 0


@pytest.mark.parametrize("what", [{"id": uuid4()}, {"previous": "spent"}, {"rotated_at": timedelta(days=8)}])
def test_a_change_of_other_rows_changes_nothing(session: Session, what: dict[str, Any]) -> None:
    if "rotated_at" in what:
        what = {"rotated_at": timezone.now() + what["rotated_at"]}
    assert sessions._rotation.make(**rotation(session, **what)) == 0
    assert everything(Session.objects.get()) == everything(session)


def test_a_change_and_a_row_are_one_statement_each(session: Session, statements: Callable[[], Any]) -> None:
    sessions._rotation.make(**rotation(session))
    with statements() as seen:
        sessions._rotation.make(**rotation(session))
        events.record(Caller(), Kind.SIGNED_IN, user=session.user)
    assert [text.partition(" ")[0] for text in seen] == ["UPDATE", "INSERT"]


def test_a_row_that_cannot_be_made_spoils_its_transaction_as_the_orms_does(session: Session) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():  # noqa: PT012
        with pytest.raises(IntegrityError):
            changes.insert(session)
        assert connection.needs_rollback
        raise IntegrityError


def test_rows_that_are_missing_are_made_and_others_stay() -> None:
    kept = Attempts(key="a", tried=3, most=5, window=1, until=2)
    changes.insert(kept)
    changes.insert_missing([Attempts(key=key, most=9, window=8, until=7) for key in "abc"])
    rows = {row.key: row for row in Attempts.objects.all()}
    assert everything(rows["a"]) == everything(kept)
    assert [rows[key].most for key in "bc"] == [9, 9]


def test_rows_made_together_are_saved_at_the_end_in_as_few_statements_as_can_be(
    session: Session, statements: Callable[[], Any]
) -> None:
    caller, told = Caller(ip_address="2001:db8::1"), []
    user = User(username="other", email="other@example.com")
    with statements() as seen, changes.together():
        changes.insert(user)
        changes.afterwards(lambda: told.append(User.objects.filter(id=user.id).exists()))
        event = events.record(caller, Kind.SIGNED_IN, user=user, **FACTS)
        opened, _ = sessions.open(caller, user=user)
        assert user._state.adding
        assert not told
    assert told == [True]
    inserts = [text for text in seen if "INSERT" in text]
    assert len(inserts) == (1 if connection.vendor == "postgresql" else 3)
    for row in (user, event, opened):
        assert (row._state.adding, row._state.db) == (False, "default")
    assert everything(Event.objects.get(id=event.id)) == everything(event)
    assert everything(Session.objects.get(id=opened.id)) == everything(opened)


@pytest.mark.parametrize("why", ["a row cannot be saved", "the block fails"])
def test_of_rows_made_together_all_are_saved_or_none(session: Session, why: str) -> None:
    told: list[str] = []
    with pytest.raises(IntegrityError), changes.together():  # noqa: PT012
        events.record(Caller(), Kind.SIGNED_IN, user=session.user)
        changes.afterwards(lambda: told.append("saved"))
        if why == "the block fails":
            raise IntegrityError
        changes.insert(Session(**everything(session)))
    assert not Event.objects.exists()
    assert not told
    changes.afterwards(lambda: told.append("at once"))
    assert told == ["at once"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("finds", [True, False])
def test_changes_that_are_due_are_made_with_the_rows_or_nothing_is_done(
    session: Session, statements: Callable[[], Any], finds: bool
) -> None:
    now, told, user = timezone.now(), [], session.user
    caller = Caller(ip_address="2001:db8::1", user_agent="%s \u00e9" * 40)
    due = tokens._sign_in.due(id=user.id, credential_version=session.credential_version + (not finds), now=now)
    tries = throttle.count_sign_in(caller, name="alice", user=user)
    with statements() as seen:
        try:
            with changes.together(due, tries.forgiveness(), otherwise=InvalidCredentials):
                event = events.record(caller, Kind.SIGNED_IN, user=user, **FACTS)
                opened, _ = sessions.open(caller, user=user, device_name="d" * 100)
                changes.afterwards(lambda: told.append("saved"))
        except InvalidCredentials:
            assert not finds
    if connection.vendor == "postgresql":
        assert len(seen) == 1
    assert told == ["saved"] * finds
    assert User.objects.get().last_login == (now if finds else None)
    total = Attempts.objects.filter(key__startswith="sign_in_total")
    assert {row.tried for row in Attempts.objects.difference(total)} == {0 if finds else 1}
    assert Event.objects.count() == finds
    assert Session.objects.count() == 1 + finds
    if finds:
        assert everything(Event.objects.get()) == everything(event)
        assert everything(Session.objects.get(id=opened.id)) == everything(opened)


def test_a_change_that_is_due_is_made_also_where_no_row_is(session: Session) -> None:
    due = tokens._sign_in.due(id=session.user.id, credential_version=session.credential_version, now=timezone.now())
    with changes.together(due):
        assert User.objects.get().last_login is None
    assert User.objects.get().last_login is not None


@pytest.mark.django_db(transaction=True)
def test_of_changes_that_are_due_without_a_row_all_are_made_or_none(session: Session) -> None:
    due = tokens._sign_in.due(id=session.user.id, credential_version=session.credential_version, now=timezone.now())
    fails = sessions._rotation.due(**rotation(session, current=None))
    with pytest.raises(IntegrityError), changes.together(due, fails):
        """There is none."""
    assert User.objects.get().last_login is None


@pytest.mark.skipif(connection.vendor != "postgresql", reason="others refuse it row by row")
def test_a_text_that_is_too_long_is_refused_and_not_cut(session: Session) -> None:
    due = tokens._sign_in.due(id=session.user.id, credential_version=session.credential_version, now=timezone.now())
    with pytest.raises(DataError), changes.together(due):
        sessions.open(Caller(), user=session.user, device_name="d" * 101)
    assert Session.objects.count() == 1
