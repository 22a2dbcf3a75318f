"""How the API writes what the rows hold in milliseconds: `"5s"`, `"250ms"`."""

import re
from typing import Any, NoReturn

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
DURATION = re.compile(r"(\d{1,9})(ms|s|m|h)", re.ASCII)
DAY_MS = 24 * UNITS_MS["h"]


@extend_schema_field({"type": "string", "pattern": "^[0-9]{1,9}(ms|s|m|h)$", "examples": ["5s", "250ms"]})
class DurationField(serializers.Field[int, Any, str, int]):
    """A whole number and a unit ↔ milliseconds, from `least` to `most`."""

    default_error_messages = {
        "format": "Write a duration with its unit, like 5s or 250ms.",
        "range": "This is from {least} to {most}.",
    }

    def __init__(self, *, least: int, most: int = DAY_MS, **options: Any) -> None:
        self.least, self.most = least, most
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> int:
        match = DURATION.fullmatch(data) if isinstance(data, str) else None
        if match is None:
            self.refuse("format")
        value = int(match[1]) * UNITS_MS[match[2]]
        if not self.least <= value <= self.most:
            self.refuse("range", least=written(self.least), most=written(self.most))
        return value

    def to_representation(self, value: int) -> str:
        return written(value)

    def refuse(self, key: str, **words: str) -> NoReturn:
        self.fail(key, **words)


class SecondsField(DurationField):
    """A duration up to a day ↔ whole seconds, as HTTP counts them."""

    def __init__(self, *, least: int = 0, **options: Any) -> None:
        super().__init__(least=least, **options)

    def to_internal_value(self, data: Any) -> int:
        value = super().to_internal_value(data)
        if value % 1000:
            raise serializers.ValidationError("Write whole seconds, like 60s.", code="whole")
        return value // 1000

    def to_representation(self, value: int) -> str:
        return written(value * 1000)


def written(milliseconds: int) -> str:
    """In seconds where that says it exactly: `60s`, as it is usually written."""
    return f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"


class NullableText(serializers.CharField):
    """null ↔ what the rows hold as empty."""

    def __init__(self, **options: Any) -> None:
        super().__init__(default="", allow_null=True, allow_blank=True, trim_whitespace=False, **options)

    def run_validation(self, data: Any = empty) -> Any:
        value = super().run_validation(data)
        return "" if value is None else value

    def to_representation(self, value: Any) -> Any:
        return value or None


class BackupPoolField(serializers.CharField):
    """A pool by its id, read from the row without another query."""

    def __init__(self, **options: Any) -> None:
        super().__init__(default=None, allow_null=True, max_length=12, **options)

    def get_attribute(self, instance: Any) -> Any:
        return instance.backup_pool_id
