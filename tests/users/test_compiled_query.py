"""A compiled query finds what the ORM finds, in one statement."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from users import lookup, throttle
from users.caller import Caller
from users.models import Session, User
from users.sessions import rotation, sessions

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> Session:
    user = User.objects.create_user("alice", "alice@example.com")
    return sessions.create(Caller(ip_address="192.0.2.1"), user=user)[0]


def columns(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_an_object_and_its_related_object_equal_those_of_the_orm(session: Session) -> None:
    found = rotation._by_selector.first(selector=session.selector)
    expected = Session.objects.select_related("user").get()
    assert found
    assert columns(found) == columns(expected)
    assert columns(found.user) == columns(expected.user)
    found.save()


def test_an_object_without_a_related_one_equals_that_of_the_orm(session: Session) -> None:
    found = lookup._by_username.first(key="alice")
    assert found
    assert columns(found) == columns(User.objects.get())
    assert lookup._by_username.first(key="bob") is None


def test_one_statement_runs_and_other_values_find_nothing(session: Session, statements: Callable[[], Any]) -> None:
    values = {"id": session.id, "user_id": session.user_id, "now": timezone.now()}
    with statements() as seen:
        assert sessions._by_id.first(**values)
    assert len(seen) == 1
    for other in ({"id": uuid4()}, {"user_id": uuid4()}, {"now": timezone.now() + timedelta(days=8)}):
        assert sessions._by_id.first(**values | other) is None


def test_the_values_of_a_column_equal_those_of_the_orm(session: Session) -> None:
    for address in ("2001:db8::1", None, "198.51.100.7"):
        sessions.create(Caller(ip_address=address), user=session.user)
    rows = throttle._addresses.rows(user_id=session.user_id, credential_version=session.credential_version)
    assert [address for (address,) in rows] == ["198.51.100.7", None, "2001:db8::1", "192.0.2.1"]
    assert throttle._addresses.rows(user_id=uuid4(), credential_version=1) == []
