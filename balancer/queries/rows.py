"""All rows of tables at once, as JSON can hold them, each without the columns that say their default.

A tenant's tables are read whole with every cut. So it is done column by column: most hold nothing but their default,
which is seen at one glance, and nothing is made into a value of Python that would be written as text again.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, models
from psycopg import sql

TABLE = sql.SQL("SELECT {columns} FROM {table} ORDER BY {key}")
TEXT = sql.SQL("{}::text")
# As `datetime.isoformat` writes it, but for a fraction of nothing.
ISO = sql.SQL("to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"+00:00\"')")
NO_FRACTION = ".000000"


@dataclass(frozen=True, slots=True)
class Column:
    """`usual` is the default as the database gives it out. `value` makes what it gives out into what is kept; None: it
    is that already."""

    name: str
    told: sql.Composable
    default: Any
    usual: Any
    value: Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class Plan:
    """How to read one table."""

    query: sql.Composed
    columns: tuple[Column, ...]
    key: str


def plan(model: type[models.Model], defaults: "Mapping[models.Field[Any, Any], Any]") -> Plan:
    """`defaults`: the columns to read; the primary key, which is among them, has none."""
    columns = tuple(_column(field, default) for field, default in defaults.items())
    pk = model._meta.pk
    query = TABLE.format(
        columns=sql.SQL(", ").join(column.told for column in columns),
        table=sql.Identifier(model._meta.db_table),
        key=_name(pk),
    )
    return Plan(query, columns, pk.attname)


def _column(field: "models.Field[Any, Any]", default: Any) -> Column:
    name = _name(field)
    match field:
        case models.JSONField():
            usual = None if default is None else json.dumps(default)
            return Column(field.attname, TEXT.format(name), default, usual, json.loads)
        case models.DateTimeField():
            return Column(field.attname, ISO.format(name), default, None, _moment)
    return Column(field.attname, name, default, default, None)


def _moment(text: str) -> str:
    return text.replace(NO_FRACTION, "")


def _name(field: "models.Field[Any, Any]") -> sql.Identifier:
    """A concrete column has one."""
    return sql.Identifier(str(field.column))


def read(plans: Sequence[Plan]) -> list[dict[str, dict[str, Any]]]:
    """Of each, the rows by primary key, in its order. One round trip."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("; ").join(plan.query for plan in plans))
        tables = [cursor.fetchall()]
        while cursor.nextset():
            tables.append(cursor.fetchall())
    return [_by_key(plan, found) for plan, found in zip(plans, tables, strict=True)]


def _by_key(how: Plan, found: Sequence[tuple[Any, ...]]) -> dict[str, dict[str, Any]]:
    rows: list[dict[str, Any]] = [{} for _ in found]
    for column, values in zip(how.columns, zip(*found, strict=True), strict=False):
        if values.count(column.usual) < len(values):
            _put(column, values, rows)
    return {row[how.key]: row for row in rows}


def _put(column: Column, values: Sequence[Any], rows: Sequence[dict[str, Any]]) -> None:
    name, usual, value, default = column.name, column.usual, column.value, column.default
    if value is None:
        for row, told in zip(rows, values, strict=True):
            if told != usual:
                row[name] = told
        return
    for row, told in zip(rows, values, strict=True):
        if told != usual:
            kept = None if told is None else value(told)
            if kept != default:
                row[name] = kept
