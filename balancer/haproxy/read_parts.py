"""Reading what may be left out, and lists that have an end."""

from collections.abc import Callable
from typing import TypeVar

from .codec_fields import BadState, Fields
from .text import body

T = TypeVar("T")


def optional(fields: Fields, field: str, read: Callable[[object, str], T], usual: T) -> T:
    return read(fields.take(field), fields.where(field)) if fields.has(field) else usual


def many(fields: Fields, field: str, read: Callable[[object, str], T], most: int) -> tuple[T, ...]:
    found = fields.each(field, read) if fields.has(field) else ()
    if len(found) > most:
        raise BadState(fields.where(field), f"more than {most}")
    return found


def text_or_none(fields: Fields, field: str, check: Callable[[str], str]) -> str:
    value = fields.text(field)
    if value:
        fields.checked(field, value, check)
    return value


def page_of(fields: Fields) -> str:
    """With its newlines, which no other text may have."""
    value = fields.take("body")
    if not isinstance(value, str):
        raise BadState(fields.where("body"), "not text")
    fields.checked("body", value, body)
    return value
