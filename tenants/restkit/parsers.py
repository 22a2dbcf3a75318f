"""Read a JSON object, small and printable, or say what is wrong with it."""

import io
import unicodedata
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import IO, Any, cast

from rest_framework import exceptions, parsers

from tenants.errors import FieldError, Refused
from tenants.restkit import problems

MOST = 2 * 1024 * 1024  # bytes; a bulk of 1,000 backends is a tenth of it
MOST_VALUES = 30_000  # each is checked, and may be answered with a sentence; a bulk of 1,000 backends has half as many
ALLOWED_CONTROLS = frozenset("\t\n\r")


class TooLarge(Refused):
    def __init__(self) -> None:
        super().__init__(f"The body is larger than {MOST // 1024} KiB.", "too_large", 413)


class TooMany(Refused):
    def __init__(self) -> None:
        super().__init__(f"The body holds more than {MOST_VALUES:,} values; send it in parts.", "too_large", 413)


class ObjectParser(parsers.JSONParser):
    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        try:
            data: object = super().parse(cast(IO[Any], Limited(stream)), media_type, parser_context)
        except RecursionError as error:
            raise exceptions.ParseError("The body is nested too deeply.") from error
        if not isinstance(data, dict):
            raise exceptions.ParseError("The body must be a JSON object.")
        refuse_too_many(data)
        refuse_unprintable(data)
        return data


class Limited(io.RawIOBase):
    """A stream that stops being read when it is too much, whatever its Content-Length said."""

    def __init__(self, stream: IO[Any]) -> None:
        super().__init__()
        self.stream = stream
        self.left = MOST

    def read(self, size: int = -1) -> bytes:
        chunk: bytes = self.stream.read(self.left + 1 if size < 0 else min(size, self.left + 1))
        self.left -= len(chunk)
        if self.left < 0:
            raise TooLarge
        return chunk


def refuse_too_many(data: object) -> None:
    """Raise `TooMany`. Two bytes make a value, and each value kilobytes of work and answer."""
    left, waiting = MOST_VALUES, [data]
    while waiting:
        inside = waiting.pop()
        below = list(inside.values()) if isinstance(inside, dict) else inside if isinstance(inside, list) else []
        left -= len(below)
        if left < 0:
            raise TooMany
        waiting.extend(one for one in below if isinstance(one, dict | list))


def refuse_unprintable(data: object) -> None:
    errors = tuple(
        FieldError(pointer, "unprintable", "Remove the control character: only printable text is accepted.")
        for pointer in islice(unprintable(data), problems.MOST_ERRORS)
    )
    if errors:
        raise Refused(f"Not accepted: {', '.join(e.pointer for e in errors)}.", "invalid", 422, errors)


def printable(text: str) -> bool:
    return all(unicodedata.category(c) not in ("Cc", "Cs") or c in ALLOWED_CONTROLS for c in text)


def unprintable(data: object, pointer: str = "") -> Iterator[str]:
    """Pointers to the texts that hold a control character or half a surrogate pair."""
    if isinstance(data, str):
        if not printable(data):
            yield pointer
    elif isinstance(data, dict):
        for name, inner in data.items():
            if not printable(name):
                yield pointer
            else:
                yield from unprintable(inner, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(data, list):
        for index, inner in enumerate(data):
            yield from unprintable(inner, f"{pointer}/{index}")
