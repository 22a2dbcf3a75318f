"""Status as clients read it (`api.md`, "Shapes"): times RFC 3339, durations with a unit.

`*_json` is for one answer and says ages. `*_frame` is for sockets: the same without what moves by itself, so that a row
that did not change makes no frame; the age of a row there is the age of its nodes, whose `at` the status topic carries.
"""

from datetime import UTC, datetime
from typing import Any

from balancer.queries.listened import SUMMED, ListenerStatus
from balancer.queries.observed import BackendStatus, LastCheck, NodeStatus, OnNode, PoolStatus

Json = dict[str, Any]
HEARD_STEP = 5  # seconds; what `at` of a node is rounded down to in frames


def moment(epoch: float | None) -> str | None:
    if epoch is None:
        return None
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def duration(seconds: float | None) -> str | None:
    """`250ms` below a second, `3.2s` from there."""
    if seconds is None:
        return None
    return f"{round(seconds * 1000)}ms" if seconds < 1 else f"{seconds:.1f}s"


def backend_json(status: BackendStatus) -> Json:
    return {
        "oper": status.oper.value,
        "fresh": status.fresh.value,
        "since": moment(status.since),
        "age": duration(status.age),
        "last_check": _check(status.last_check),
        "sessions": status.sessions,
        "rate": status.rate,
        "queue": status.queue,
        "nodes": [{**_on_node(node), "age": duration(node.age)} for node in status.nodes],
    }


def backend_frame(status: BackendStatus) -> Json:
    check = _check(status.last_check)
    return {
        "oper": status.oper.value,
        "fresh": status.fresh.value,
        "since": moment(status.since),
        "last_check": check and {name: check[name] for name in ("code", "status", "detail")},
        "sessions": status.sessions,
        "rate": status.rate,
        "queue": status.queue,
        "nodes": [_on_node(node) for node in status.nodes],
    }


def address_frame(status: BackendStatus) -> Json:
    """Of one address of a name, within its backend's frame."""
    return {"oper": status.oper.value, "nodes": {node.node: node.oper.value for node in status.nodes}}


def pool_json(status: PoolStatus) -> Json:
    """As an answer of the API says it."""
    return {
        "up": status.up + status.nocheck,
        "total": status.total,
        "fresh": status.fresh.value,
        "age": duration(status.age),
        "sessions": status.sessions,
        "rate": status.rate,
        "queue": status.queue,
        "bytes_in": status.bytes_in,
        "bytes_out": status.bytes_out,
    }


def listener_json(status: ListenerStatus) -> Json:
    return {
        "fresh": status.fresh.value,
        "age": duration(status.age),
        **{name: getattr(status, name) for name in SUMMED},
        "nodes": [
            {
                "node": one.node,
                "fresh": one.fresh.value,
                "age": duration(one.age),
                **{name: getattr(one.row, name) if one.row else None for name in SUMMED},
            }
            for one in status.nodes
        ],
    }


def pool_frame(status: PoolStatus) -> Json:
    return {
        "up": status.up,
        "total": status.total,
        "down": status.down,
        "nocheck": status.nocheck,
        "fresh": status.fresh.value,
        "sessions": status.sessions,
        "rate": status.rate,
        "queue": status.queue,
        "requests": status.requests,
        "errors_5xx": status.errors_5xx,
    }


def node_frame(node: NodeStatus) -> Json:
    """What a tenant may see of a node; its traffic is everybody's and not here."""
    return {
        "id": node.id,
        "fresh": node.fresh.value,
        "serving": node.serving,
        "at": moment(node.at - node.at % HEARD_STEP),
        "version": node.version,
        "generation": node.generation,
        "outcome": node.outcome,
    }


def _check(check: LastCheck | None) -> Json | None:
    """`code` is HAProxy's word, `status` the HTTP answer's."""
    if check is None:
        return None
    return {
        "code": check.check,
        "status": check.code,
        "detail": check.detail,
        "duration": None if check.duration_ms is None else f"{check.duration_ms}ms",
        "at": moment(check.at),
    }


def _on_node(node: OnNode) -> Json:
    return {
        "node": node.node,
        "oper": node.oper.value,
        "admin": node.admin,
        "fresh": node.fresh.value,
        "sessions": node.sessions,
    }
