"""Bring a document in, all or nothing: what is counted, what differs, and what is refused at its pointer."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from rest_framework import serializers

from balancer.api import protecting
from balancer.api.changes import ChangeSerializer
from balancer.api.differences import DifferenceSerializer
from balancer.api.documents import Document
from balancer.api.operations import FORMS
from balancer.api.plans import Plan
from balancer.fleet.models import Edit
from balancer.haproxy.cfg.fates import Fate, Told
from balancer.queries import objects
from balancer.services import batch, checks, writing
from balancer.services.batch import BatchRefused
from tenants.actor import Actor
from tenants.errors import FieldError, Refused
from tenants.restkit.problems import MOST_ERRORS
from tenants.roles import Verb

MODES = ("merge", "replace")


class CountSerializer(serializers.Serializer[Any]):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    deleted = serializers.IntegerField()


class LineSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    text = serializers.CharField()
    fate = serializers.ChoiceField(
        [fate.value for fate in Fate],
        help_text="`managed`: it became an object, or part of one; `note`: it needs nothing here; `refused`: it did "
        "something that the import does not do.",
    )
    sentence = serializers.CharField(help_text="Why, or what is to know beside.")
    objects = serializers.ListField(child=serializers.CharField())


class ImportedSerializer(serializers.Serializer[Any]):
    mode = serializers.ChoiceField(MODES)
    dry_run = serializers.BooleanField()
    counts = serializers.DictField(child=CountSerializer())
    objects = DifferenceSerializer(many=True)
    notes = serializers.ListField(child=serializers.CharField())
    lines = LineSerializer(many=True, help_text="Of an haproxy.cfg: every line of it, once.")
    fates = serializers.DictField(child=serializers.IntegerField(), help_text="How many lines have which.")
    change = ChangeSerializer(allow_null=True)


@dataclass(frozen=True, slots=True)
class How:
    """`replace`: also take away what the document has not; else only add and change. `partial`: even though lines are
    refused, without them."""

    replace: bool = False
    dry_run: bool = False
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Brought:
    counts: dict[str, dict[str, int]]
    differences: list[objects.Difference]
    notes: list[str]
    edits: list[Edit]
    dry_run: bool
    told: Sequence[Told] = ()

    @property
    def fates(self) -> dict[str, int]:
        return {fate.value: sum(one.fate is fate for one in self.told) for fate in Fate}

    def shown(self) -> dict[str, Any]:
        return {
            "dry_run": self.dry_run, "counts": self.counts, "objects": self.differences, "notes": self.notes,
            "lines": self.told, "fates": self.fates,
        }  # fmt: skip


class LinesRefused(Refused):
    """What they did would be gone, and who imports must have seen it."""

    def __init__(self, lines: Sequence[Told]) -> None:
        errors = tuple(FieldError(f"/lines/{one.line}", "line_refused", one.sentence) for one in lines[:MOST_ERRORS])
        detail = (
            f"Nothing was changed: {len(lines)} lines cannot be carried, the first is line {lines[0].line}. Look at "
            "each in a dry run; with partial=true the rest is imported without them."
        )
        super().__init__(detail, "lines_refused", 422, errors)


class ImportRefused(Refused):
    def __init__(self, refused: BatchRefused, plan: Plan) -> None:
        errors = tuple(checks.pointed(refused, plan.pointer))
        many = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"Nothing was changed. {errors[0].detail}{many}", "import_refused", refused.status, errors)


def bring(document: Document, how: How, *, by: Actor, now: datetime, require: Callable[[Verb], None]) -> Brought:
    """`require` raises where who asks has not that right: listeners are changed by fewer than the rest. Raise
    `ImportRefused`, `LimitReached` and what the services refuse."""
    lost = [one for one in document.told if one.fate is Fate.REFUSED]
    if lost and not how.dry_run and not how.partial:
        raise LinesRefused(lost)
    plan = Plan(document, replace=how.replace)
    protection = protecting.wanted(plan.protection)
    with batch.names_first(plan.operations, now=now), writing.tried() if how.dry_run else transaction.atomic():
        try:
            done = batch.run(plan.operations, by=by, now=now, force=True)
        except BatchRefused as refused:
            raise ImportRefused(refused, plan) from refused
        if any(change.kind == "listener" for change in done.changes):
            require(Verb.SECRETS)
        protected = protecting.bring(protection, by=by, now=now)
    found = counts(plan, done)
    found["protection"] = dict(Counter(created=0, updated=len(protected), deleted=0))
    found["protection"]["unchanged"] = len(protection) - len(protected)
    differing = [*differences(done), *map(protecting.difference, protected)]
    return Brought(found, differing, plan.notes, [*done.edits, *protected], how.dry_run, document.told)


def counts(plan: Plan, done: batch.Done) -> dict[str, dict[str, int]]:
    found = {kind: Counter(created=0, updated=0, unchanged=0, deleted=0) for kind in FORMS}
    for operation, result in zip(plan.operations, done.results, strict=True):
        found[operation.kind][result.status] += 1
    return {kind: dict(counter) for kind, counter in found.items()}


def differences(done: batch.Done) -> list[objects.Difference]:
    before: dict[str, dict[str, Any]] = {kind: {} for kind in objects.KINDS}
    after: dict[str, dict[str, Any]] = {kind: {} for kind in objects.KINDS}
    for change in done.changes:
        if change.before is not None:
            before[change.kind][change.before.pk] = objects.row_of(change.before)
        if change.after is not None:
            after[change.kind][change.after.pk] = objects.row_of(change.after)
    return objects.differences(before, after)
