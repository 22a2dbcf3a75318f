"""A filter for every field that a list shows and a column holds, without naming them one by one.

Text, numbers, choices and flags match exactly; times have `<field>_after` and `<field>_before`; a list of words has
each of its words. A resource names what is beyond that, and its own filter of a name wins.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import django_filters
from django.core.exceptions import FieldDoesNotExist
from django.core.validators import validate_ipv46_address
from django.db import models
from django.db.models import QuerySet
from django_filters.rest_framework import FilterSet
from rest_framework import serializers

Filters = Iterator[tuple[str, django_filters.Filter]]


class HasWord(django_filters.CharFilter):
    """A JSON list that holds the word."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs.filter(**{f"{self.field_name}__contains": [value]}) if value else qs


def flag(path: str) -> django_filters.Filter:
    """`true` or `false`. The library's own takes every other word for no filter at all."""
    choices = (("true", "true"), ("false", "false"))
    return django_filters.TypedChoiceFilter(field_name=path, choices=choices, coerce=lambda word: word == "true")


@lru_cache(maxsize=256)
def completed(
    base: type[FilterSet], serializer: type[serializers.Serializer[Any]], model: type[models.Model]
) -> type[FilterSet]:
    """`base` with a filter for each of the serializer's fields that it has none for."""
    found = {
        name: one
        for field in serializer().fields.values()
        for name, one in _of(field, model)
        if name not in base.base_filters
    }
    return type(f"Every{base.__name__}", (base,), found)


def _of(field: serializers.Field[Any, Any, Any, Any], model: type[models.Model]) -> Filters:
    if field.write_only or field.source in (None, "", "*"):
        return
    path = str(field.source).replace(".", "__")
    column = _column(path, model)
    name = str(field.field_name)
    match column, field:
        case None, _:
            return
        case models.DateTimeField(), _:
            yield f"{name}_after", django_filters.IsoDateTimeFilter(field_name=path, lookup_expr="gte")
            yield f"{name}_before", django_filters.IsoDateTimeFilter(field_name=path, lookup_expr="lt")
        case models.BooleanField(), _:
            yield name, flag(path)
        case models.IntegerField(), serializers.IntegerField():
            yield name, django_filters.NumberFilter(field_name=path)
        case models.JSONField(), serializers.ListField():
            yield name, HasWord(field_name=path)
        case models.UUIDField(), _:
            yield name, django_filters.UUIDFilter(field_name=path)
        case models.GenericIPAddressField(), _:
            yield name, django_filters.CharFilter(field_name=path, validators=[validate_ipv46_address])
        case models.CharField() | models.TextField() | models.ForeignKey(), _:
            yield name, django_filters.CharFilter(field_name=path)


def _column(path: str, model: type[models.Model]) -> "models.Field[Any, Any] | None":
    """The column that a source names, through the relations before it."""
    *relations, last = path.split("__")
    here: Any = model
    try:
        for relation in relations:
            here = here._meta.get_field(relation).related_model
        column: models.Field[Any, Any] = here._meta.get_field(last)
    except (FieldDoesNotExist, AttributeError):
        return None
    return column
