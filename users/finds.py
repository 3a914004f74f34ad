"""Rows that are found by statements written once."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Field, Model, QuerySet
from django.db.models.base import ModelState

from users import statements
from users.statements import Fields, Plan, Written

M = TypeVar("M", bound=Model)


class Find(Written["Look"], Generic[M]):
    """A queryset of rows, each with its related one where one is named; `write` gives it for values."""

    def __init__(self, write: Callable[..., QuerySet[M]], *, values: Fields, related: str = "") -> None:
        super().__init__(write, values=values)
        self.related = related

    def first(self, **values: Any) -> M | None:
        """The row for these values; one statement. Of several, any one."""
        plan = self.plan()
        found = statements.rows(plan.sql, plan.filled(values))
        return plan.made_of(found[0]) if found else None

    def compiled(self, fields: dict[str, Field[Any, Any]], examples: dict[str, Any]) -> "Look":
        """The statement for examples, and how its rows are read."""
        return Look(self.write(**examples), self.related, fields, examples)


class Column(Written["Cells"]):
    """A queryset of one column (`values_list(…, flat=True)`); `write` gives it for values."""

    def all(self, **values: Any) -> list[Any]:
        """What the column has for these values; one statement."""
        plan = self.plan()
        return [plan.read(row)[0] for row in statements.rows(plan.sql, plan.filled(values))]

    def compiled(self, fields: dict[str, Field[Any, Any]], examples: dict[str, Any]) -> "Cells":
        """The statement for examples, and how its rows are read."""
        return Cells(self.write(**examples), fields, examples)


class Cells(Plan):
    """A statement that finds rows, and how to read them."""

    def __init__(self, rows: QuerySet[Any, Any], fields: dict[str, Field[Any, Any]], examples: dict[str, Any]) -> None:
        compiler = rows.query.get_compiler(connection=connection)
        super().__init__(fields, examples, *compiler.as_sql())
        self.expressions = [column for column, _, _ in compiler.select]
        self.converters = [
            (place, converters, expression)
            for place, (converters, expression) in compiler.get_converters(self.expressions).items()
        ]

    def read(self, row: Sequence[Any]) -> Sequence[Any]:
        """The values of a row, as the ORM would give them."""
        if not self.converters:
            return row
        cells = list(row)
        for place, converters, expression in self.converters:
            for convert in converters:
                cells[place] = convert(cells[place], expression, connection)
        return cells


class Look(Cells):
    """The same for whole rows, of which objects are made."""

    def __init__(
        self, rows: QuerySet[Any], related: str, fields: dict[str, Field[Any, Any]], examples: dict[str, Any]
    ) -> None:
        super().__init__((rows.select_related(related) if related else rows).order_by(), fields, examples)
        self.model, self.related = rows.model, related
        self.names = [field.attname for field in self.model._meta.concrete_fields]
        to: Any = self.model._meta.get_field(related) if related else None
        self.related_model: Any = to and to.related_model
        self.related_names = [field.attname for field in self.related_model._meta.concrete_fields] if related else []
        assert len(self.expressions) == len(self.names) + len(self.related_names)

    def made_of(self, row: Sequence[Any]) -> Any:
        """The object of a row, as the ORM would make it."""
        cells = iter(self.read(row))
        found = _made(self.model, self.names, cells)
        if self.related:
            found._state.fields_cache = {self.related: _made(self.related_model, self.related_names, cells)}
        return found


def _made(model: type[M], names: list[str], cells: Iterator[Any]) -> M:
    # As the ORM makes it, but that no signal is told, for which it asks on every field whether it was given.
    found = model.__new__(model)
    # The cells go on with those of the next object.
    found.__dict__.update(zip(names, cells, strict=False))
    found._state = state = ModelState()
    state.adding, state.db = False, DEFAULT_DB_ALIAS
    return found
