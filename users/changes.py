"""Rows that are changed and made by statements written once. They tell no signals."""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Field, Model, QuerySet
from django.db.models.sql import InsertQuery, UpdateQuery

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
    sql, fields = _insertion(type(row))
    values = [field.get_db_prep_save(field.pre_save(row, True), connection) for field in fields]
    statements.changed(sql, values)
    row._state.adding, row._state.db = False, connection.alias


@cache
def _insertion(model: type[Model]) -> tuple[str, list[Field[Any, Any]]]:
    fields = [field for field in model._meta.concrete_fields if not field.generated]
    query = InsertQuery(model)
    query.insert_values(fields, [model()])
    ((sql, given),) = query.get_compiler(connection=connection).as_sql()
    assert len(given) == len(fields)
    return sql, fields
