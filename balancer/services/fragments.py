"""One tenant's share of what a node is told.

States travel as the JSON that they are kept as: what comes out of the database goes into the message as it is.
"""

import json
from dataclasses import dataclass

from django.db.models import JSONField, QuerySet, TextField, Value
from django.db.models.functions import Cast

from balancer.fleet.models import Revision, Snapshot
from balancer.services import upstream_files

AS_TEXT = Cast("state", TextField())


@dataclass(frozen=True, slots=True)
class Told:
    """A snapshot, as nodes are told of it. `state` None: its tenant leaves the cluster."""

    tenant_id: str
    generation: int
    digest: str
    request_ids: list[str]
    state: str | None


def of(snapshots: QuerySet[Snapshot]) -> list[Told]:
    """One query."""
    return [Told(*row) for row in snapshots.values_list("tenant_id", "generation", "digest", "request_ids", AS_TEXT)]


def state_of(revision: Revision) -> str:
    """As JSON, with names instead of addresses."""
    found: str = Revision.objects.values_list(AS_TEXT, flat=True).get(pk=revision.pk)
    return found


def as_json(state: str) -> Cast:
    """For a column of JSON: it is JSON already."""
    return Cast(Value(state), JSONField())


def written(told: Told) -> str:
    """JSON. In the platform's scope."""
    names = file_names(told.state or "")
    plain = {
        **({"files": upstream_files.opened(told.tenant_id, names)} if names else {}),
        "tenant": f"t{told.tenant_id}",
        "generation": told.generation,
        "digest": told.digest,
        "request_ids": told.request_ids,
    }
    return f'{json.dumps(plain)[:-1]}, "state": {told.state or "null"}}}'


def file_names(state: str) -> set[str]:
    """Of what its pools need to reach servers over TLS. Read only where it says so of anything."""
    if '"tls"' not in state:
        return set()
    pools = json.loads(state).get("pools", ())
    tls = [pool["serving"]["tls"] for pool in pools if "tls" in pool.get("serving", {})]
    return {one[part] for one in tls for part in ("ca", "certificate") if one[part]}
