"""Answer with a file that is written while it is read: rows come in batches, and are never all in memory."""

import csv
import io
import json
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from rest_framework.utils.encoders import JSONEncoder

# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection), once `_seen` has read it.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
UNSEEN = frozenset({"Cc", "Cf"})  # controls and formatting: a byte order mark, marks of direction, zero-width spaces


class Format(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"


TYPES = {Format.CSV: "text/csv; charset=utf-8", Format.JSONL: "application/x-ndjson"}
Rows = Iterable[Mapping[str, Any]]


def cell(value: object) -> str:
    """As text that stays text: a quote before what a spreadsheet would calculate."""
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False, cls=JSONEncoder)
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) or _seen(text).startswith(FORMULA) else text


def _seen(text: str) -> str:
    """Its beginning, without what is not seen, in plain letters: some spreadsheets take a full-width = for one."""
    for index, letter in enumerate(text):
        if not letter.isspace() and unicodedata.category(letter) not in UNSEEN:
            return unicodedata.normalize("NFKC", text[index : index + 1])
    return ""


def answer(
    request: HttpRequest, batches: Iterator[Rows], *, columns: Sequence[str], kind: Format, name: str
) -> StreamingHttpResponse:
    """`name` is without its ending."""
    chunks = _WRITERS[kind](batches, columns)
    streamed = _one_by_one(chunks) if isinstance(request, ASGIRequest) else chunks
    response = StreamingHttpResponse(streamed, content_type=TYPES[kind])
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{kind.value}"'
    return response


def _csv(batches: Iterator[Rows], columns: Sequence[str]) -> Iterator[str]:
    yield _lines([list(columns)])
    for batch in batches:
        yield _lines([[cell(row[column]) for column in columns] for row in batch])


def _lines(rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue()


def _jsonl(batches: Iterator[Rows], columns: Sequence[str]) -> Iterator[str]:
    for batch in batches:
        whole = [{column: row[column] for column in columns} for row in batch]
        yield "".join(json.dumps(row, ensure_ascii=False, cls=JSONEncoder) + "\n" for row in whole)


_WRITERS: dict[Format, Callable[[Iterator[Rows], Sequence[str]], Iterator[str]]] = {
    Format.CSV: _csv,
    Format.JSONL: _jsonl,
}


async def _one_by_one(chunks: Iterator[str]) -> AsyncIterator[str]:
    """Under ASGI Django would read a plain iterator to its end before it sends anything."""
    while (chunk := await sync_to_async(_next)(chunks)) is not None:
        yield chunk


def _next(chunks: Iterator[str]) -> str | None:
    return next(chunks, None)
