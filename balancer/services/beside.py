"""What would be, of a tenant: composed from its rows as they would stand, without leaving a trace."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from balancer.fleet.models import Act, Edit
from balancer.haproxy import codec, desired
from balancer.queries import desired_state, objects
from balancer.services import edits, writing
from tenants.errors import Conflict
from tenants.models import Tenant

NOT_OF_ROWS = (Act.RETRY, Act.PURGE)
Rows = dict[str, dict[str, dict[str, Any]]]


def with_edits(document: objects.Document, due: Iterable[Edit]) -> tuple[Rows, list[Edit]]:
    """The document with what these edits changed of its objects; and the edits of objects that it does not hold, which
    must wait for the change that makes them."""
    rows: Rows = {kind: {pk: dict(row) for pk, row in document.get(kind, {}).items()} for kind in objects.KINDS}
    put_off = []
    for edit in due:
        if edit.kind not in objects.KINDS or edit.act in NOT_OF_ROWS:
            continue
        row = rows[edit.kind].get(edit.object_id)
        if row is None:
            put_off.append(edit)
        else:
            rows[edit.kind][edit.object_id] = objects.lean(edit.kind, {**row, **edit.after})
    return rows, put_off


def composed(tenant: Tenant, document: objects.Document, *, now: datetime) -> desired.Tenant:
    """What HAProxy would be told if the tenant's rows were these. Raise `Conflict` where they do not hold together."""
    with writing.tried():
        edits.hold_tenant()
        writing.write(writing.between(objects.current(), document, now=now))
        return whole(desired_state.of(tenant))


def whole(state: desired.Tenant) -> desired.Tenant:
    """Read it as a node will, which refuses what points nowhere; but names stay names."""
    try:
        return codec.from_json(codec.to_json(state), names=True)
    except codec.BadState as error:
        raise Conflict(f"This does not hold together: {error.problem} ({error.field}).", "inconsistent") from error
