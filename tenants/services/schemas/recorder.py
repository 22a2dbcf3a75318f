"""Write down the SQL that migrations run, as they run: what PostgreSQL was really told, data included."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
from django.db import connection

# What asks and what belongs to the transaction that it ran in is not part of the result.
LEFT_OUT = re.compile(r"\s*(SELECT|SHOW|SAVEPOINT|RELEASE|ROLLBACK|SET)\b", re.IGNORECASE)
END_OF_MIGRATION = 'INSERT INTO "django_migrations"'


class Recorder:
    """An execute wrapper (`connection.execute_wrapper`)."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def __call__(
        self,
        execute: Callable[..., Any],
        sql: str,
        params: Sequence[Any] | Mapping[str, Any] | None,
        many: bool,
        context: Mapping[str, Any],
    ) -> Any:
        answer = execute(sql, params, many, context)
        if not LEFT_OUT.match(sql):
            rows = params if many and params is not None else [params]
            self.statements.extend(_written(sql, row) for row in rows)
            if sql.startswith(END_OF_MIGRATION):
                # Rows that wait for their checks would block a later ALTER TABLE: here it is all one transaction.
                self.statements.append("SET CONSTRAINTS ALL IMMEDIATE")
        return answer

    def sql(self) -> str:
        return ";\n".join(self.statements)


def _written(sql: str, params: Any) -> str:
    """The statement with its values in it."""
    text = psycopg.ClientCursor(connection.connection).mogrify(sql, params) if params else str(sql)
    return text.rstrip().rstrip(";")
