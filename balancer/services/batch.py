"""Many changes in one: each judged by its own rules, all written together, in one revision.

What is asked of the database grows with the number of kinds, not with the number of operations.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from balancer.fleet.models import Edit
from balancer.queries import desired_state, objects
from balancer.services import (
    batch_ends,
    beside,
    caches,
    edits,
    kinds,
    limits,
    listeners,
    names,
    pool_modes,
    ports,
    writing,
)
from balancer.services.batch_work import REF, Work
from balancer.services.kinds import KINDS, Kind
from balancer.services.writing import Written
from tenants.actor import Actor
from tenants.errors import Conflict, FieldError, InvalidField, NotFound, Refused

MOST = 1000
ROOMS = {
    "backend": limits.room_for_backends, "route": limits.room_for_routes, "listener": limits.room_for_listeners,
}  # fmt: skip


class Act:
    ADD, UPDATE, DELETE = "add", "update", "delete"


@dataclass(frozen=True, slots=True)
class Operation:
    """`id` of an addition: the one that it shall have, empty for any. `values` are fields of the kind's `New…`, of an
    update those that change. `errors`: what the door found wrong with it already. `ref`: a name by which later
    operations may point at what this one adds (`ref:<name>`)."""

    kind: str
    act: str
    id: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    ref: str = ""
    errors: tuple[FieldError, ...] = ()


@dataclass(slots=True)
class Result:
    """`status` is created, updated, deleted, unchanged, failed, or not_done: something else failed, and all or nothing
    was asked for."""

    index: int
    status: str = "not_done"
    id: str | None = None
    errors: tuple[FieldError, ...] = ()
    code: int = 200


@dataclass(frozen=True, slots=True)
class Done:
    results: list[Result]
    edits: list[Edit]
    changes: list[Written]


def run(
    operations: Sequence[Operation],
    *,
    by: Actor,
    now: datetime,
    atomic: bool = True,
    dry_run: bool = False,
    force: bool = False,
) -> Done:
    """Do them in the order of the kinds (pools, backends, routes, listeners), and of the call within one kind.

    `atomic`: all or nothing; raises `BatchRefused` with every result. Else what fails is left out. Raises
    `LimitReached` in both. `dry_run`: everything is checked, nothing stays. `force`: even a pool's last ready backend
    may be taken out.
    """
    with names.look_first(operations, now=now), writing.tried() if dry_run else transaction.atomic():
        return _run(operations, by=by, now=now, atomic=atomic, force=force)


class BatchRefused(Refused):
    def __init__(self, results: list[Result]) -> None:
        failed = [result for result in results if result.status == "failed"]
        errors = tuple(
            FieldError(f"/operations/{one.index}{error.pointer}", error.code, error.detail)
            for one in failed
            for error in one.errors
        )
        first = failed[0]
        detail = f"Nothing was changed: operation {first.index} of {len(results)} is refused. {first.errors[0].detail}"
        if len(failed) > 1:
            detail = f"Nothing was changed: {len(failed)} of {len(results)} operations are refused."
        super().__init__(detail, "batch_refused", max(one.code for one in failed), errors)
        self.results = results


def _run(operations: Sequence[Operation], *, by: Actor, now: datetime, atomic: bool, force: bool) -> Done:
    edits.hold_tenant()
    work = Work(now, force=force)
    work.load(batch_ends.asked_ports(one.values for one in operations if one.kind == "listener"))
    results = [Result(index) for index in range(len(operations))]
    _refuse_too_many(work, operations)
    for name, kind in KINDS.items():
        mine = [(index, one) for index, one in enumerate(operations) if one.kind == name]
        with pool_modes.known(work.modes()):
            for index, operation in mine:
                _one(work, kind, operation, results[index])
    for index, error in batch_ends.kept_pools(work):
        results[index].status, results[index].errors, results[index].code = "failed", (error,), Conflict("").status
    if atomic and any(one.status == "failed" for one in results):
        raise _refused(results)
    batch_ends.give_ports(work)
    changes = [change for name in KINDS for change in work.changes(name)]
    caches.room_for((change.before, change.after) for change in changes)
    try:
        written(changes)
    except ports.PortTaken as taken:  # since it was looked at
        index = batch_ends.whose_port(work, taken.port)
        results[index].status, results[index].code = "failed", taken.status
        results[index].errors = _said(taken)
        raise _refused(results) from taken
    return Done(results, writing.record(changes, by=by, now=now), changes)


def _refused(results: list[Result]) -> BatchRefused:
    for one in results:
        if one.status != "failed":
            one.status, one.id = "not_done", None
    return BatchRefused(results)


def written(changes: Sequence[Written]) -> None:
    """Write them, and look once more at the whole."""
    if not changes:
        return
    writing.write(changes)
    writing.claim_hosts(changes)
    beside.whole(desired_state.of(edits.hold_tenant()))


def _refuse_too_many(work: Work, operations: Sequence[Operation]) -> None:
    for name, room in ROOMS.items():
        more = sum(_weight(one) for one in operations if one.kind == name and not one.errors)
        if more > 0:
            room(more)


def _weight(operation: Operation) -> int:
    return {Act.ADD: 1, Act.DELETE: -1}.get(operation.act, 0)


def _one(work: Work, kind: Kind, operation: Operation, result: Result) -> None:
    if operation.errors:
        result.status, result.errors, result.code = "failed", operation.errors, 422
        return
    try:
        result.status, result.id = _do(work, kind, operation, result.index)
    except Refused as refused:
        result.status, result.code = "failed", refused.status
        result.errors = _said(refused)


def _said(refused: Refused) -> tuple[FieldError, ...]:
    found = (FieldError(_in_data(error.pointer), error.code, error.detail) for error in refused.errors)
    return tuple(found) or (FieldError("", refused.code, refused.detail),)


def _in_data(pointer: str) -> str:
    return f"/data{pointer}" if pointer else ""


def _do(work: Work, kind: Kind, operation: Operation, index: int) -> tuple[str, str]:
    if operation.act == Act.ADD:
        thing = _new(work, kind, operation)
        work.put(kind, thing)
        if operation.ref:
            work.refs[operation.ref] = thing.pk
        work.owners[kind.name, thing.pk] = index
        return "created", thing.pk
    before = work.things[kind.name].get(work.refs.get(operation.id.removeprefix(REF), operation.id))
    if before is None:
        raise NotFound(f"There is no such {kind.name} here.")
    work.owners[kind.name, before.pk] = index
    if operation.act == Act.DELETE:
        work.forget(kind, before)
        if kind.name == "pool":
            for backend in list(work.in_pool.pop(before.pk, {}).values()):
                work.forget(KINDS["backend"], backend)
        return "deleted", before.pk
    after = _changed(work, kind, before, operation.values)
    if objects.row_of(after) == objects.row_of(before):
        return "unchanged", before.pk
    work.put(kind, after)
    return "updated", before.pk


def _new(work: Work, kind: Kind, operation: Operation) -> Any:
    values = work.resolved({**kind.defaults(), **operation.values})
    columns: dict[str, Any] = {}
    if kind.name == "backend":
        columns["pool_id"] = values.pop("pool", "")
        if columns["pool_id"] not in work.things["pool"]:
            raise InvalidField(
                "pool", "There is no such pool here; create it first, or name one of yours.", "unknown_pool"
            )
    columns |= kind.cleaned(values)
    work.require_ways(kind, columns, None)
    if operation.id:
        columns["id"] = operation.id
    return kind.model(**columns, created_at=work.now, updated_at=work.now)


def _changed(work: Work, kind: Kind, before: Any, changes: dict[str, Any]) -> Any:
    changes = work.resolved(changes)
    if kind.name == "backend" and changes.pop("pool", before.pool_id) != before.pool_id:
        raise InvalidField("pool", "A backend stays in its pool; add it to the other one and remove it here.", "fixed")
    held = kind.values_of(before)
    if kind.name == "route" and changes.get("action", {}).get("type", "pool") != "pool":
        held["pool"] = None  # as `routes.update` has it
    wanted = held | changes
    if kind.name == "listener":
        listeners.keep_port(wanted, before)
    if kind.name == "pool":
        pool_modes.refuse_change(before, wanted["mode"])
    columns = kind.cleaned(wanted)
    work.require_ways(kind, columns, before)
    rows = {field.attname: getattr(before, field.attname) for field in before._meta.concrete_fields}
    after = kind.model(**{**rows, **columns, "updated_at": work.now})
    kinds.moved(before, after)
    if kind.name == "backend" and not work.force:
        refusal = kinds.leaves_none(before, after, list(work.in_pool[before.pool_id].values()))
        if refusal is not None:
            raise refusal
    return after
