"""One tenant's share of what a node is told."""

from collections.abc import Mapping
from typing import Any

from balancer.fleet.models import Snapshot
from balancer.services import upstream_files


def fragment(snapshot: Snapshot) -> dict[str, Any]:
    names = file_names(snapshot.state or {})
    files = {"files": upstream_files.opened(snapshot.tenant_id, names)} if names else {}
    return {
        **files,
        "tenant": f"t{snapshot.tenant_id}",
        "generation": snapshot.generation,
        "digest": snapshot.digest,
        "state": snapshot.state,
        "request_ids": snapshot.request_ids,
    }


def file_names(state: Mapping[str, Any]) -> set[str]:
    """Of what its pools need to reach servers over TLS."""
    tls = [pool["serving"]["tls"] for pool in state.get("pools", ()) if "tls" in pool.get("serving", {})]
    return {one[part] for one in tls for part in ("ca", "certificate") if one[part]}
