"""Several addresses of one name, seen as the one backend that they are. Values in, values out."""

from collections.abc import Sequence
from dataclasses import replace

from balancer.queries.observed import UNKNOWN, WORST_FIRST, BackendStatus, OnNode, fresh_of


def merge_addresses(seen: Sequence[BackendStatus]) -> BackendStatus:
    """Of a backend whose name has several addresses, each a server of its own: as well as the best of them, because
    requests go there. Sessions and rates are sums. A node has confirmed what all of its servers have."""
    if len(seen) == 1 or not seen:
        return seen[0] if seen else UNKNOWN
    best = max((one.oper for one in seen), key=WORST_FIRST.index)
    deciding = [one for one in seen if one.oper is best]
    ages = [one.age for one in seen if one.age is not None]
    checks = [one.last_check for one in deciding if one.last_check]
    names = sorted({node.node for one in seen for node in one.nodes})
    return BackendStatus(
        oper=best,
        fresh=fresh_of(max(ages, default=None)),
        since=min((one.since for one in deciding if one.since is not None), default=None),
        age=max(ages, default=None),
        last_check=max(checks, key=lambda check: check.at, default=None),
        sessions=sum(one.sessions for one in seen),
        rate=sum(one.rate for one in seen),
        queue=sum(one.queue for one in seen),
        nodes=tuple(_over([node for one in seen for node in one.nodes if node.node == name]) for name in names),
    )


def _over(rows: Sequence[OnNode]) -> OnNode:
    best = max(rows, key=lambda row: WORST_FIRST.index(row.oper))
    admins, weights = {row.admin for row in rows}, {row.weight for row in rows}
    return replace(
        best,
        admin=best.admin if len(admins) == 1 else "unknown",
        sessions=sum(row.sessions for row in rows),
        weight=best.weight if len(weights) == 1 else None,
    )
