"""Rows that are changed and made by statements written once. They tell no signals."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.models import Field, Model, QuerySet
from django.db.models.constants import OnConflict
from django.db.models.sql import UpdateQuery

from users import statements
from users.statements import Fields, Plan, Written

# In one statement, whether the first change that is due found something; asked before anything else is done.
CHANGED = "EXISTS (SELECT 1 FROM changed)"
# The rows to be changed, and what `update` takes.
Changed = tuple[QuerySet[Any], dict[str, Any]]


class Change(Written[Plan]):
    """An UPDATE; `write` gives, for values, the rows and what is to become of them."""

    write: Callable[..., Changed]

    def __init__(self, write: Callable[..., Changed], *, values: Fields) -> None:
        super().__init__(write, values=values)

    def make(self, **values: Any) -> int:
        """Change the rows for these values; how many they were."""
        plan = self.plan()
        return statements.changed(plan.sql, plan.filled(values))

    def due(self, **values: Any) -> "Due":
        """The change for these values, still to be made."""
        return Due(self, values)

    def compiled(self, fields: dict[str, Field[Any, Any]], examples: dict[str, Any]) -> Plan:
        """The statement for examples."""
        rows, changes = self.write(**examples)
        query: Any = rows.query.chain(UpdateQuery)
        query.add_update_values(changes)
        return Plan(fields, examples, *query.get_compiler(connection=connection).as_sql())


@dataclass(frozen=True, slots=True)
class Due:
    """A change that is still to be made."""

    change: Change
    values: dict[str, Any]

    def make(self) -> int:
        """Make it; how many rows it changed."""
        return self.change.make(**self.values)


class Gathering(threading.local):
    """The rows that a thread is to save together, and what waits for that."""

    rows: list[Model] | None = None
    waiting: list[Callable[[], None]]


_gathering = Gathering()


def insert(row: Model) -> None:
    """Save a new row; within `together`, at its end."""
    if _gathering.rows is None:
        _insert([row])
    else:
        _gathering.rows.append(row)


def afterwards(act: Callable[[], None]) -> None:
    """Do what is to be done once the new rows are saved; at once where none wait for it."""
    if _gathering.rows is None:
        act()
    else:
        _gathering.waiting.append(act)


@contextmanager
def together(*due: Due, otherwise: type[Exception] = LookupError) -> Iterator[None]:
    """Save the new rows of a block at its end, all of them or none; nothing in the block finds them there.

    Changes that are due are made with them, before them; where the first finds nothing to change, nothing is done.
    Where there are rows, PostgreSQL is told all in one statement, which needs no transaction of its own. In one that is
    under way already, a savepoint keeps a failure from spoiling that.
    """
    assert _gathering.rows is None
    rows: list[Model] = []
    waiting: list[Callable[[], None]] = []
    _gathering.rows, _gathering.waiting = rows, waiting
    try:
        yield
    finally:
        _gathering.rows = None
    ours = connections[DEFAULT_DB_ALIAS]
    is_one = rows and ours.vendor == "postgresql" and not ours.in_atomic_block
    with nullcontext() if is_one else transaction.atomic():
        if not _insert(rows, due):
            raise otherwise
    for act in waiting:
        act()


def insert_missing(rows: Sequence[Model]) -> None:
    """Save new rows of one model, in their order; a row that is there already stays as it is."""
    sql = _insertion(type(rows[0]), len(rows), OnConflict.IGNORE)
    statements.changed(sql, [value for row in rows for value in _values(row)])


def _insert(rows: Sequence[Model], due: Sequence[Due] = ()) -> bool:
    if rows and connection.vendor == "postgresql":
        changes, values = _said(due)
        sql = _at_once(changes, tuple(type(row) for row in rows))
        if not statements.changed(sql, [*values, *(value for row in rows for value in _values(row))]):
            return False
    else:
        if due and not due[0].make():
            return False
        for each in due[1:]:
            each.make()
        for row in rows:
            statements.changed(_insertion(type(row)), _values(row))
    for row in rows:
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return True


def _said(dues: Sequence[Due]) -> tuple[tuple[str, ...], list[Any]]:
    plans = [(due.change.plan(), due.values) for due in dues]
    return tuple(plan.sql for plan, _ in plans), [value for plan, given in plans for value in plan.filled(given)]


def _values(row: Model) -> Sequence[Any]:
    take, preparations = _preparations(type(row))
    values = take(row)
    if not preparations:
        return values
    ours, prepared = connections[DEFAULT_DB_ALIAS], list(values)
    for place, field in preparations:
        prepared[place] = field.get_db_prep_save(field.pre_save(row, True), ours)
    return prepared


@cache
def _preparations(model: type[Model]) -> tuple[Callable[[Model], tuple[Any, ...]], list[tuple[int, Any]]]:
    # What takes the values of a row, and the fields that have something to do with theirs before they are saved.
    def is_ready(field: Any) -> bool:
        return not getattr(field, "auto_now_add", False) and statements.preparation(field) is None

    fields = _fields(model)
    take = attrgetter(*(field.attname for field in fields))
    return take, [(place, field) for place, field in enumerate(fields) if not is_ready(field)]


@cache
def _fields(model: type[Model]) -> list[Field[Any, Any]]:
    return [field for field in model._meta.concrete_fields if not field.generated]


@cache
def _insertion(model: type[Model], count: int = 1, on_conflict: OnConflict | None = None) -> str:
    # In the words of the database. The ORM's own for several rows take each column as one value on PostgreSQL.
    say: Any = connection.ops
    fields = _fields(model)
    return " ".join(
        [
            say.insert_statement(on_conflict=on_conflict),
            say.quote_name(model._meta.db_table),
            f"({', '.join(say.quote_name(field.column) for field in fields)})",
            say.bulk_insert_sql(fields, [["%s"] * len(fields)] * count),
            say.on_conflict_suffix_sql(fields, on_conflict, (), ()),
        ]
    ).rstrip()


@cache
def _at_once(changes: tuple[str, ...], models: tuple[type[Model], ...]) -> str:
    # Whichever is done first: PostgreSQL asks what the rows refer to when all are there.
    *others, last = [_insertion_after(model) if changes else _insertion(model) for model in models]
    named = [f"changed AS ({first} RETURNING 1)" for first in changes[:1]]
    also = [f"{each} AND {CHANGED}" for each in changes[1:]]
    named += [f"others{number} AS ({each})" for number, each in enumerate([*also, *others])]
    return f"WITH {', '.join(named)} {last}" if named else last


def _insertion_after(model: type[Model]) -> str:
    # Without their lengths, to which PostgreSQL would cut the values that are said to be of a type.
    types = [str(field.db_type(connection)).partition("(")[0] for field in _fields(model)]
    values = ", ".join(f"(%s)::{each}" for each in types)
    into = _insertion(model).partition(" VALUES ")[0]
    return " ".join([into, "SELECT", values, "WHERE", CHANGED])
