"""Bring a document in, all or nothing: what is counted, what differs, and what is refused at its pointer."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction
from rest_framework import serializers

from balancer.api import cfg_reader, documents, protecting
from balancer.api.changes import ChangeSerializer
from balancer.api.differences import DifferenceSerializer
from balancer.api.documents import Document
from balancer.api.operations import FORMS
from balancer.api.plans import Plan
from balancer.haproxy.cfg.fates import Fate
from balancer.queries import objects
from balancer.services import batch, checks, importing, names, writing
from balancer.services.batch import BatchRefused
from balancer.services.importing import Brought, How, LinesRefused
from tenants.actor import Actor
from tenants.errors import Refused
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
    report = serializers.CharField(allow_null=True, help_text="Of an haproxy.cfg: where /api/imports keeps this.")
    change = ChangeSerializer(allow_null=True)


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
    with names.look_first(plan.operations, now=now), writing.tried() if how.dry_run else transaction.atomic():
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
        brought = Brought(found, differing, plan.notes, [*done.edits, *protected], how.dry_run, document.told)
        if document.told and not how.dry_run:
            brought = replace(brought, report=importing.keep(brought, how, by=by, now=now).pk)
    return brought


def bring_text(text: str, form: str, named: Sequence[str], how: How, **who: Any) -> Brought:
    """Of a text as a person pastes it (`settings.DOCUMENTS`): `form` is json, yaml or haproxy."""
    document = cfg_reader.read(text, named) if form == "haproxy" else documents.read(text, form)
    return bring(document, how, **who)


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
