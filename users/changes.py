"""Rows that are changed and made by statements written once. They tell no signals."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Field, Model, QuerySet
from django.db.models.constants import OnConflict
from django.db.models.sql import UpdateQuery

from users import statements
from users.statements import Fields, Plan, Written

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

    def compiled(self, fields: dict[str, Field[Any, Any]], examples: dict[str, Any]) -> Plan:
        """The statement for examples."""
        rows, changes = self.write(**examples)
        query: Any = rows.query.chain(UpdateQuery)
        query.add_update_values(changes)
        return Plan(fields, examples, *query.get_compiler(connection=connection).as_sql())


def insert(row: Model) -> None:
    """Save a new row."""
    statements.changed(_insertion(type(row)), _values(row))
    row._state.adding, row._state.db = False, connection.alias


def insert_missing(rows: Sequence[Model]) -> None:
    """Save new rows of one model, in their order; a row that is there already stays as it is."""
    sql = _insertion(type(rows[0]), len(rows), OnConflict.IGNORE)
    statements.changed(sql, [value for row in rows for value in _values(row)])


def _values(row: Model) -> list[Any]:
    return [field.get_db_prep_save(field.pre_save(row, True), connection) for field in _fields(type(row))]


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
