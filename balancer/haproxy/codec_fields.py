"""Strict reading of plain JSON values, one field at a time."""

import marshal
import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from functools import wraps
from typing import Any, TypeVar

from .text import Unprintable, printable

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")
ALIKE = 1024
_KEY = re.compile(r"[a-z][a-z0-9]{0,30}")


def is_key(value: str) -> bool:
    return _KEY.fullmatch(value) is not None


class BadState(ValueError):
    """A state that cannot be read. `field` is a path such as `pools[0].servers[1].port`."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


def exactly(value: Any) -> bytes:
    """Bytes that only the very same JSON has: to Python, true and 1.0 are 1."""
    try:
        return marshal.dumps(value, 2)  # a third of what repr takes, and 2 refers to nothing by its place in memory
    except ValueError:
        return repr(value).encode(errors="backslashreplace")


def read_once(read: Callable[[object, str], T]) -> Callable[[object, str], T]:
    """For parts that most pools of a fleet have alike: one that was read before is the same value again."""
    values: dict[bytes, T] = {}

    @wraps(read)
    def once(value: object, at: str) -> T:
        text = exactly(value)
        found = values.get(text)
        if found is None:
            found = read(value, at)
            if len(values) >= ALIKE:
                values.clear()
            values[text] = found
        return found

    return once


class Fields:
    """One JSON object: every field is taken by name, and `done` refuses what nobody took."""

    def __init__(self, value: object, at: str) -> None:
        if not isinstance(value, Mapping):
            raise BadState(at or "state", "not an object")
        self._left: dict[str, Any] = dict(value)
        self._at = at

    def where(self, field: str) -> str:
        return f"{self._at}.{field}" if self._at else field

    def has(self, field: str) -> bool:
        return field in self._left

    def take(self, field: str) -> Any:
        if field not in self._left:
            raise BadState(self.where(field), "missing")
        return self._left.pop(field)

    def done(self) -> None:
        if self._left:
            raise BadState(self.where(sorted(map(str, self._left))[0]), "unknown field")

    def whole(self, field: str, low: int, high: int) -> int:
        value = self.take(field)
        # `True` is an int to Python, and a weight to nobody.
        if type(value) is not int or not low <= value <= high:
            raise BadState(self.where(field), f"not a whole number from {low} to {high}")
        return value

    def whole_or_none(self, field: str, low: int, high: int) -> int | None:
        if self._left.get(field, 0) is None:
            self.take(field)
            return None
        return self.whole(field, low, high)

    def yes_or_no(self, field: str) -> bool:
        value = self.take(field)
        if not isinstance(value, bool):
            raise BadState(self.where(field), "neither true nor false")
        return value

    def text(self, field: str) -> str:
        value = self.take(field)
        if not isinstance(value, str):
            raise BadState(self.where(field), "not text")
        return self.checked(field, value, printable)

    def checked(self, field: str, value: str, check: Callable[[str], str]) -> str:
        try:
            return check(value)
        except Unprintable as refusal:
            raise BadState(self.where(field), str(refusal)) from refusal

    def key(self, field: str) -> str:
        value = self.text(field)
        if not is_key(value):
            raise BadState(self.where(field), "not a key of lower case letters and digits")
        return value

    def choice(self, field: str, options: type[E]) -> E:
        value = self.take(field)
        if not isinstance(value, str) or value not in options.__members__.values():
            raise BadState(self.where(field), f"none of {', '.join(option.value for option in options)}")
        return options(value)

    def each(self, field: str, read: Callable[[object, str], T]) -> tuple[T, ...]:
        value = self.take(field)
        if not isinstance(value, list | tuple):
            raise BadState(self.where(field), "not a list")
        return tuple(read(item, f"{self.where(field)}[{index}]") for index, item in enumerate(value))

    def unique(self, field: str, keys: Iterable[str]) -> None:
        seen: set[str] = set()
        for index, key in enumerate(keys):
            if key in seen:
                raise BadState(f"{self.where(field)}[{index}].key", "used twice")
            seen.add(key)
