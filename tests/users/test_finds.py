"""Rows found by statements written once: they are what the ORM finds, and are found by one statement."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.forms.models import model_to_dict
from django.utils import timezone

from users import passwords, sessions, throttle
from users.caller import Caller
from users.models import Session, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> Session:
    user = User.objects.create_user("somebody", "somebody@example.com")
    return sessions.open(Caller(ip_address="192.0.2.1"), user=user)[0]


def everything(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_a_row_and_its_related_one_are_what_the_orm_makes_of_them(session: Session) -> None:
    found = sessions._by_selector.first(selector=session.selector)
    expected = Session.objects.select_related("user").get()
    assert found
    assert everything(found) == everything(expected)
    assert everything(found.user) == everything(expected.user)
    assert model_to_dict(found) == model_to_dict(expected)
    assert not found._state.adding


def test_a_row_alone_is_what_the_orm_makes_of_it(session: Session) -> None:
    found = passwords._by_username.first(key="somebody")
    assert found
    assert everything(found) == everything(User.objects.get())
    assert everything(found) == everything(passwords._by_email.first(key="somebody@example.com"))
    assert passwords._by_username.first(key="nobody") is None


def test_one_statement_finds_both_and_none_is_found_by_other_values(
    session: Session, statements: Callable[[], Any]
) -> None:
    user = session.user_id
    assert sessions._by_id.first(id=session.id, user_id=user, now=timezone.now())
    with statements() as seen:
        assert sessions._by_id.first(id=session.id, user_id=user, now=timezone.now())
    assert len(seen) == 1
    assert sessions._by_id.first(id=uuid4(), user_id=user, now=timezone.now()) is None
    assert sessions._by_id.first(id=session.id, user_id=uuid4(), now=timezone.now()) is None
    assert sessions._by_id.first(id=session.id, user_id=user, now=timezone.now() + timedelta(days=8)) is None


def test_a_column_has_the_orms_values_in_their_order(session: Session) -> None:
    for address in ("2001:db8::1", None, "198.51.100.7"):
        sessions.open(Caller(ip_address=address), user=session.user)
    found = throttle._addresses.all(user_id=session.user_id)
    assert found == ["198.51.100.7", None, "2001:db8::1", "192.0.2.1"]
    assert throttle._addresses.all(user_id=uuid4()) == []
