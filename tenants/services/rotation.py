"""Seal again, with the newest key, what an older one sealed.

It only ever asks for what the newest key has not sealed: stopped half-way, the next run goes on there. A row is held
while its secret is opened and closed, so a secret that somebody changes meanwhile is not written over.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models, transaction

from tenants import vault

AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Column:
    """`about` is what a seal says it is about, before the row's key."""

    model: type[models.Model]
    name: str
    about: str

    def about_row(self, pk: object) -> str:
        return f"{self.about}:{pk}"

    def __str__(self) -> str:
        return self.about


@dataclass(frozen=True, slots=True)
class Counted:
    """`unopened`: keys of rows whose secret no key of ours opens; they stay as they are."""

    current: int
    resealed: int
    unopened: tuple[str, ...]


def columns() -> Iterator[Column]:
    """Of every app (`settings.SEALED_COLUMNS`)."""
    for dotted, about in settings.SEALED_COLUMNS.items():
        label, _, name = dotted.rpartition(".")
        yield Column(apps.get_model(label), name, about)


def rotate(column: Column, *, at_once: int = AT_ONCE) -> Counted:
    """In the platform's scope. Each batch is a transaction."""
    current, resealed, unopened = older(column).count(), 0, list[str]()
    current = filled(column).count() - current
    last: Any = None
    while keys := _next(column, after=last, at_once=at_once):
        last = keys[-1]
        with transaction.atomic():
            for key in keys:
                try:
                    resealed += _reseal(column, key)
                except vault.CannotOpen:
                    unopened.append(str(key))
    return Counted(current, resealed, tuple(unopened))


def older(column: Column) -> models.QuerySet[Any]:
    return filled(column).exclude(**{f"{column.name}__startswith": vault.newest_prefix()})


def filled(column: Column) -> models.QuerySet[Any]:
    return column.model._default_manager.exclude(**{column.name: ""})


def _next(column: Column, *, after: Any, at_once: int) -> list[Any]:
    rows = older(column).order_by("pk")
    return list((rows if after is None else rows.filter(pk__gt=after)).values_list("pk", flat=True)[:at_once])


def _reseal(column: Column, key: Any) -> int:
    rows = column.model._default_manager.filter(pk=key)
    sealed = rows.select_for_update(no_key=True).values_list(column.name, flat=True).first()
    if not sealed or vault.is_newest(sealed):  # gone, or written anew, since we looked
        return 0
    about = column.about_row(key)
    return rows.update(**{column.name: vault.seal(vault.unseal(sealed, about=about), about=about)})
