"""Filters for what rows hold in another unit than the API writes."""

from typing import Any

import django_filters
from django import forms

from balancer.api.fields import DURATION, UNITS_MS


class DurationInQuery(forms.CharField):
    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        found = DURATION.fullmatch(text)
        if found is None:
            raise forms.ValidationError("Write a duration with its unit, like 5s or 250ms.", code="format")
        return int(found[1]) * UNITS_MS[found[2]]


class DurationFilter(django_filters.Filter):
    """`5s` finds rows of 5000 milliseconds."""

    field_class = DurationInQuery
