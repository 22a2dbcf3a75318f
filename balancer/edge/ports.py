"""Tenants' own ports on this machine: whoever's cannot be had is left without it, and nobody else notices.

Asked before every reload and at boot: a bind conflict would stop all frontends for two seconds (`haproxy.md 1.3`). A
port that HAProxy listens on for somebody cannot be tried, and is his until a reload has closed it.
"""

from collections.abc import Iterable, Mapping

from balancer.edge import binds
from balancer.edge.fragments import Kept
from balancer.edge.node import Node
from balancer.edge.settings import NodeEnvironment
from balancer.haproxy.listeners import port_name, port_of

TAKEN = "Port {ports} cannot be opened on this node: something else has it. All else of the change is in force."


def as_can_be_had(node: Node, *, listening: frozenset[str]) -> dict[str, Kept]:
    """The tenants whose ports are to be otherwise than they run, each with those of its ports that it can have.
    `listening` are the names of the frontends that run. The oldest wish for a port comes first."""
    taken = {port_of(name) for name in listening} | own_ports(node.environment)
    given: set[int] = set()
    found: dict[str, Kept] = {}
    for kept in sorted(node.store.kept.values(), key=lambda one: one.generation):
        missing = {port for port in kept.wanted_ports if port_name(kept.tenant, port) not in listening}
        said = {
            port: "Another listener has this port here."
            if port in taken | given
            else binds.refusal(f"{node.settings.tcp_address}:{port}")
            for port in sorted(missing)
        }
        refused = {port: words for port, words in said.items() if words}
        given |= kept.wanted_ports - refused.keys()
        after = _with(kept, refused) if missing else kept
        if after != kept:
            found[kept.tenant] = after
    return found


def _with(kept: Kept, refused: Mapping[int, str]) -> Kept:
    if not refused:
        return kept.with_all_ports()
    words = "\n".join(f"{port}: {why}" for port, why in refused.items())
    return kept.leaving_out(frozenset(refused), reason=TAKEN.format(ports=", ".join(map(str, refused))), words=words)


def to_come(kept: Iterable[Kept], *, listened: frozenset[str]) -> bool:
    """Was a port refused to somebody only because this reload had to close it first for another?"""
    left = {port_of(name) for name in listened}
    wanted = {port for one in kept for port in one.wanted_ports - frozenset(one.left_out)}
    return any(port in left and port not in wanted for one in kept for port in one.left_out)


def own_ports(environment: NodeEnvironment) -> frozenset[int]:
    """The node's: at boot nobody listens there yet."""
    binds_of_ours = (environment.http_bind, environment.https_bind, environment.passthrough_bind)
    last = (bind.rpartition(":")[2] for bind in binds_of_ours)
    return frozenset(int(port) for port in last if port.isdecimal())
