"""Serializers that refuse what they do not know, and the fields that every resource shares."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
DURATION = re.compile(r"(\d{1,9})(ms|s|m|h)", re.ASCII)
# What we answer and a client may send back unread.
ANSWERED_BESIDE = frozenset({"change"})


class StrictSerializer(serializers.Serializer[Any]):
    """An unknown field is refused by name: `wieght` silently ignored is a change that never happened.

    Read-only fields may be sent back and are ignored, so that what was read can be changed and sent.
    """

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = sorted(str(name) for name in set(data) - set(self.fields) - ANSWERED_BESIDE)
            if unknown:
                known = ", ".join(name for name, field in self.fields.items() if not field.read_only)
                sentence = serializers.ErrorDetail(f"There is no such field. There is: {known}.", "unknown")
                raise serializers.ValidationError({name: [sentence] for name in unknown})
        return super().to_internal_value(data)


class StrictModelSerializer(StrictSerializer, serializers.ModelSerializer[Any]):
    pass


class LineField(serializers.CharField):
    """One line of printable text."""

    default_error_messages = {"line": "Use one line of printable text."}

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text):
            self.fail("line")
        return text


@extend_schema_field({"type": "string", "pattern": r"^\d+(ms|s|m|h)$", "example": "5s"})
class DurationField(serializers.Field[int, str, str, int]):
    """Milliseconds inside, `"5s"` outside."""

    default_error_messages = {
        "format": "Write a duration with its unit: “250ms”, “5s”, “2m”.",
        "range": "This is between {least} and {most}.",
    }

    def __init__(self, *, least: int = 1, most: int = 86_400_000, **options: Any) -> None:
        self.least, self.most = least, most
        super().__init__(**options)

    def to_internal_value(self, data: object) -> int:
        match = DURATION.fullmatch(data) if isinstance(data, str) else None
        if match is None:
            self.fail("format")
        value = int(match[1]) * UNITS[match[2]]
        if not self.least <= value <= self.most:
            self.fail("range", least=written(self.least), most=written(self.most))
        return value

    def to_representation(self, value: int) -> str:
        return written(value)


def written(milliseconds: int) -> str:
    """The largest unit that says it exactly, up to seconds: `60s`, as it is usually written."""
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"
