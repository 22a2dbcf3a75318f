"""Bring a document in, all or nothing: what is counted, what differs, and what is refused at its pointer."""

from collections import Counter
from collections.abc import Callable
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
from balancer.queries import objects
from balancer.services import batch, checks, writing
from balancer.services.batch import BatchRefused
from tenants.actor import Actor
from tenants.errors import Refused
from tenants.roles import Verb

MODES = ("merge", "replace")


class CountSerializer(serializers.Serializer[Any]):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    deleted = serializers.IntegerField()


class ImportedSerializer(serializers.Serializer[Any]):
    mode = serializers.ChoiceField(MODES)
    dry_run = serializers.BooleanField()
    counts = serializers.DictField(child=CountSerializer())
    objects = DifferenceSerializer(many=True)
    notes = serializers.ListField(child=serializers.CharField())
    change = ChangeSerializer(allow_null=True)


@dataclass(frozen=True, slots=True)
class How:
    """`replace`: also take away what the document has not; else only add and change."""

    replace: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Brought:
    counts: dict[str, dict[str, int]]
    differences: list[objects.Difference]
    notes: list[str]
    edits: list[Edit]
    dry_run: bool

    def shown(self) -> dict[str, Any]:
        return {"dry_run": self.dry_run, "counts": self.counts, "objects": self.differences, "notes": self.notes}


class ImportRefused(Refused):
    def __init__(self, refused: BatchRefused, plan: Plan) -> None:
        errors = tuple(checks.pointed(refused, plan.pointer))
        many = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"Nothing was changed. {errors[0].detail}{many}", "import_refused", refused.status, errors)


def bring(document: Document, how: How, *, by: Actor, now: datetime, require: Callable[[Verb], None]) -> Brought:
    """`require` raises where who asks has not that right: listeners are changed by fewer than the rest. Raise
    `ImportRefused`, `LimitReached` and what the services refuse."""
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
    return Brought(found, differing, plan.notes, [*done.edits, *protected], how.dry_run)


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
