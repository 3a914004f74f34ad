"""Querysets whose SQL is compiled once: on the hot path, compiling a query costs more than running it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Field, Model, QuerySet
from django.db.models.expressions import RawSQL

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Parameter:
    """Marks the place of a value that is known only when the query runs."""

    name: str
    field: Field[Any, Any]


def parameter(name: str, column: Any) -> RawSQL:
    """Return an expression for a value of the given model attribute, to be used in a filter."""
    # RawSQL passes its parameters on as they are, so the compiled SQL shows where each value goes.
    return RawSQL("%s", [Parameter(name, column.field)])


class CompiledQuery(Generic[M]):
    """A queryset of one model, and optionally of one related model, with named parameters."""

    def __init__(self, build: Callable[[], QuerySet[M]], *, related: str | None = None) -> None:
        self.build, self.related = build, related

    def rows(self, **values: Any) -> list[Any]:
        """Run the query and return its rows, with values as the ORM converts them."""
        sql, params, compiler, converters = self._compiled
        filled = [
            each.field.get_db_prep_value(values[each.name], connection) if isinstance(each, Parameter) else each
            for each in params
        ]
        with connection.cursor() as cursor:
            cursor.execute(sql, filled)
            rows = cursor.fetchall()
        return list(compiler.apply_converters(rows, converters)) if converters else rows

    def first(self, **values: Any) -> M | None:
        """Run the query and return its first object, with the related object in place."""
        rows = self.rows(**values)
        return self._instance(rows[0]) if rows else None

    def _instance(self, row: Any) -> M:
        model = self._queryset.model
        names = [field.attname for field in model._meta.concrete_fields]
        found: M = model.from_db(DEFAULT_DB_ALIAS, names, row[: len(names)])
        if self.related:
            related: Any = model._meta.get_field(self.related).related_model
            related_names = [field.attname for field in related._meta.concrete_fields]
            setattr(found, self.related, related.from_db(DEFAULT_DB_ALIAS, related_names, row[len(names) :]))
        return found

    @cached_property
    def _queryset(self) -> QuerySet[M]:
        return self.build().select_related(self.related) if self.related else self.build()

    @cached_property
    def _compiled(self) -> tuple[str, tuple[Any, ...], Any, Any]:
        compiler = self._queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, params = compiler.as_sql()
        return sql, tuple(params), compiler, compiler.get_converters([column for column, _, _ in compiler.select])
