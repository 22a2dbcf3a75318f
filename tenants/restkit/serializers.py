"""Serializers that refuse what they do not know, and the fields that every resource shares."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from tenants.lines import SENTENCE, is_line

# What we answer and a client may send back unread.
ANSWERED_BESIDE = frozenset({"change"})


class StrictSerializer(serializers.Serializer[Any]):
    """An unknown field is refused by name: `wieght` silently ignored is a change that never happened.

    Read-only fields may be sent back and are ignored, so that what was read can be changed and sent.
    """

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Who chooses what there is not is told what there is."""
        fields = super().get_fields()
        for field in fields.values():
            if isinstance(field, serializers.ChoiceField):
                known = ", ".join(map(str, field.choices))
                field.error_messages["invalid_choice"] = f'"{{input}}" is not a valid choice. There is: {known}.'
        return fields

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = sorted(str(name) for name in set(data) - set(self.fields) - ANSWERED_BESIDE)
            if unknown:
                known = ", ".join(name for name, field in self.fields.items() if not field.read_only)
                sentence = serializers.ErrorDetail(f"There is no such field. There is: {known}.", "unknown")
                raise serializers.ValidationError({name: [sentence] for name in unknown})
        return super().to_internal_value(data)


class LineField(serializers.CharField):
    """One line of printable text."""

    default_error_messages = {"line": SENTENCE}

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not is_line(text):
            self.fail("line")
        return text
