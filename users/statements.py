"""Statements that the ORM writes once and that are sent many times.

Writing a statement takes several times what sending it does. Each is written by the ORM all the same, from terms
that a reader can check; here only its values change. Each value is recognised by an example that stands nowhere
else, and made fit for the database by the ORM's own field. A caller may write in a transaction or outside of one.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.models import Field

Fields = Mapping[str, Any]
P = TypeVar("P", bound="Plan")

# By the name of a kind of field: the n-th value of that kind.
EXAMPLES: dict[str, Callable[[int], Any]] = {
    "UUIDField": lambda n: UUID(int=n),
    "CharField": "example {}".format,
    "DateTimeField": lambda n: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(n),
    "PositiveIntegerField": lambda n: 1_234_567_000 + n,
    "BigIntegerField": lambda n: 1_234_567_000 + n,
    "GenericIPAddressField": "192.0.2.{}".format,
}


# What PostgreSQL's driver takes as it is: to prepare it anyway costs as much as half of what saying it does. An address
# was read where it came in, and written in its one form.
READY = {
    "UUIDField",
    "CharField",
    "TextField",
    "BooleanField",
    "DateTimeField",
    "IntegerField",
    "PositiveIntegerField",
    "BigIntegerField",
    "GenericIPAddressField",
}


class Plan:
    """A statement, and where its values go."""

    def __init__(self, fields: dict[str, Field[Any, Any]], examples: dict[str, Any], sql: str, given: Sequence[Any]):
        fit = {name: field.get_db_prep_value(examples[name], connection) for name, field in fields.items()}
        named = [next((name for name, it in fit.items() if it == each), "") for each in given]
        if missing := fields.keys() - {*named}:
            raise LookupError(f"no place for {missing}")
        self.sql = sql
        # What always stands there goes by the number of its place.
        self.taken = taking([name or place for place, name in enumerate(named)])
        self.fixed = {place: each for place, (name, each) in enumerate(zip(named, given, strict=True)) if not name}
        preparations = {name: preparation(field) for name, field in fields.items()}
        self.preparations = [(name, prepare) for name, prepare in preparations.items() if prepare]

    def filled(self, values: Mapping[str, Any]) -> Sequence[Any]:
        """The statement's parameters for these values."""
        given: dict[Any, Any] = {**self.fixed, **values}
        for name, prepare in self.preparations:
            given[name] = prepare(given[name], connection)
        return self.taken(given)


class Written(ABC, Generic[P]):
    """A statement in the ORM's terms; `values` has an attribute of a model for each of its values."""

    def __init__(self, write: Callable[..., Any], *, values: Fields) -> None:
        self.write = write
        self.values = values
        self._plan: P | None = None

    @abstractmethod
    def compiled(self, fields: dict[str, Field[Any, Any]], examples: dict[str, Any]) -> P:
        """The statement for examples."""

    def plan(self) -> P:
        """The statement, written by whoever needs it first; of two who do at one moment, by both."""
        if self._plan is None:
            fields = {name: attribute.field for name, attribute in self.values.items()}
            examples = {name: _example(field, n) for n, (name, field) in enumerate(fields.items(), 1)}
            # The ORM writes no lock outside a transaction, though a single statement needs none.
            with transaction.atomic(savepoint=False) if connection.features.has_select_for_update else nullcontext():
                self._plan = self.compiled(fields, examples)
        return self._plan


def taking(keys: Sequence[Any]) -> Callable[[Mapping[Any, Any]], Sequence[Any]]:
    """What takes the values of keys, in their order."""
    # For a single key this gives no sequence, and for none there is none.
    return itemgetter(*keys) if len(keys) > 1 else lambda given: [given[key] for key in keys]


def kind(field: Any) -> str:
    """What a field keeps; one that points to a row keeps the row's key."""
    name: str = (field.target_field if field.is_relation else field).get_internal_type()
    return name


def preparation(field: Any) -> Callable[..., Any] | None:
    """What makes a field's value fit for the database; nothing where it is."""
    is_ready = connection.vendor == "postgresql" and kind(field) in READY
    return None if is_ready else field.get_db_prep_value


def rows(sql: str, values: Sequence[Any]) -> list[Any]:
    """What a statement finds."""
    return _said(sql, values)[0]


def changed(sql: str, values: Sequence[Any]) -> int:
    """How many rows a statement changes."""
    try:
        return _said(sql, values)[1]
    except Exception:
        with transaction.mark_for_rollback_on_error(using=DEFAULT_DB_ALIAS):
            raise


def _said(sql: str, values: Sequence[Any]) -> tuple[list[Any], int]:
    ours = connections[DEFAULT_DB_ALIAS]
    # Where the database can keep what comes again ready to run, it is told that this does.
    if repeat := getattr(ours, "repeat", None):
        said: tuple[list[Any], int] = repeat(sql, values)
        return said
    cursor = ours.cursor()
    cursor.execute(sql, values)
    return cursor.fetchall() if cursor.description else [], cursor.rowcount


def _example(field: Any, n: int) -> Any:
    return EXAMPLES[kind(field)](n)
