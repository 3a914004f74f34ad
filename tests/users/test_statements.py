"""Statements that are written once: each value has its place, and where they are first sent does not matter."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet

from users import throttle
from users.finds import Find
from users.models import Session

pytestmark = pytest.mark.django_db


def test_a_value_without_a_place_in_the_statement_is_refused_when_it_is_written() -> None:
    def careless(selector: Any) -> QuerySet[Session]:
        return Session.objects.all()

    with pytest.raises(LookupError):
        Find(careless, values={"selector": Session.selector}).first(selector=uuid4())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_within", [True, False], ids=["in a transaction", "in none"])
def test_a_statement_that_locks_is_written_wherever_it_is_first_sent(is_within: bool) -> None:
    throttle._uncounting.cache_clear()
    lanes = throttle.lanes("sign_in_here", "somebody")
    if is_within:
        with transaction.atomic():
            throttle._uncounted(lanes).make()
    else:
        throttle._uncounted(lanes).make()
    assert connection.get_autocommit()
