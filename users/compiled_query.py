"""Querysets whose SQL is compiled once: on the hot path, compiling a query costs more than running it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Field, Model, QuerySet
from django.db.models.expressions import RawSQL

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Parameter:
    """The place of a value that is known only when the query runs."""

    name: str
    field: Field[Any, Any]


def parameter(name: str, column: Any) -> RawSQL:
    """Return an expression to filter by, for a value of the given model attribute."""
    # RawSQL passes its parameters on unchanged, so the compiled SQL shows where each value goes.
    return RawSQL("%s", [Parameter(name, column.field)])


class CompiledQuery(Generic[M]):
    """A queryset of one model, and optionally of one related model, with named parameters."""

    def __init__(self, build: Callable[[], QuerySet[M]], *, related: str | None = None) -> None:
        self.build, self.related = build, related

    def rows(self, **values: Any) -> list[Any]:
        """Run the query and return its rows."""
        sql, params, compiler, converters = self._compiled
        prepared = [
            each.field.get_db_prep_value(values[each.name], connection) if isinstance(each, Parameter) else each
            for each in params
        ]
        with connection.cursor() as cursor:
            cursor.execute(sql, prepared)
            return list(compiler.apply_converters(cursor.fetchall(), converters))

    def first(self, **values: Any) -> M | None:
        """Run the query and return its first object, with the related object in place."""
        rows = self.rows(**values)
        if not rows:
            return None
        cells = iter(rows[0])
        found: M = _read(self._model, cells)
        if self.related:
            setattr(found, self.related, _read(self._model._meta.get_field(self.related).related_model, cells))
        return found

    @cached_property
    def _model(self) -> Any:
        return self.build().model

    @cached_property
    def _compiled(self) -> tuple[str, tuple[Any, ...], Any, Any]:
        queryset = self.build().select_related(self.related) if self.related else self.build()
        compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, params = compiler.as_sql()
        return sql, params, compiler, compiler.get_converters([column for column, _, _ in compiler.select])


def _read(model: Any, cells: Iterator[Any]) -> Any:
    names = [field.attname for field in model._meta.concrete_fields]
    return model.from_db(DEFAULT_DB_ALIAS, names, list(islice(cells, len(names))))
