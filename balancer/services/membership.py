"""All backends of a pool at once: these and no others, by the smallest change."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction

from balancer.models import Backend, Pool
from balancer.services import addresses, batch, edits, names
from balancer.services.backends import NewBackend
from balancer.services.batch import Act, BatchRefused, Done, Operation
from tenants.actor import Actor
from tenants.errors import FieldError, Refused

Values = Mapping[str, Any]
Place = tuple[str | None, str | None, int]


def replace(pool: Pool, wanted: Sequence[Values], *, by: Actor, now: datetime) -> Done:
    """`wanted` are fields of `NewBackend`, what they leave out has its default, but for `admin`: who is there stays as
    it is. All or nothing; raise `Refused` with pointers such as `/backends/2/address`, or `LimitReached`."""
    with names.first_look([values["address"] for values in wanted], now=now), transaction.atomic():
        edits.hold_tenant()
        there = {row.place: row for row in Backend.objects.filter(pool=pool)}
        operations = [_operation(pool, there, values) for values in wanted]
        # Whoever is left is named by nobody.
        operations += [Operation("backend", Act.DELETE, row.pk) for row in there.values()]
        try:
            return batch.run(operations, by=by, now=now)
        except BatchRefused as refused:
            raise _said_of_the_list(refused) from refused


def _operation(pool: Pool, there: dict[Place, Backend], values: Values) -> Operation:
    """Takes who has the address already out of `there`."""
    row = there.pop(_at(values["address"]), None)
    if row is None:
        return Operation("backend", Act.ADD, values={**values, "pool": pool.pk})
    return Operation("backend", Act.UPDATE, row.pk, asdict(NewBackend(**{"admin": row.admin, **values})))


def _at(address: str) -> Place:
    """Nobody's, where it cannot be read: its own rule says why."""
    try:
        at = addresses.read(address)
    except ValueError:
        return None, None, 0
    return at.ip, at.host, at.port


def _said_of_the_list(refused: BatchRefused) -> Refused:
    errors = tuple(
        FieldError(f"/backends/{result.index}{error.pointer.removeprefix('/data')}", error.code, error.detail)
        for result in refused.results
        if result.status == "failed"
        for error in result.errors
    )
    return Refused(f"Nothing was changed. {errors[0].detail}", "batch_refused", refused.status, errors)
