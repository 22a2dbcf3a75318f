"""Listeners: which ports have to be opened or closed, or are to listen otherwise. Where they lead is in maps."""

from .commands import Command, ShutSessions
from .desired import Tenant
from .listeners import Listener, ListenerKind, Mode, port_of
from .render.listeners import frontends_of
from .render.pool import proxy_name
from .running import Running


def plan_listeners(tenant_key: str, deployed: Tenant | None, desired: Tenant | None, running: Running) -> list[str]:
    """Why a reload is due. A port whose listener is gone is closed by it too; until then its map says nobody."""
    wanted = set(frontends_of(desired)) if desired else set()
    there = {name for name in running.ports_of.get(tenant_key, ()) if port_of(name)}
    reasons = [f"port {port_of(name)} is to be opened" for name in sorted(wanted - there)]
    reasons += [f"port {port_of(name)} is to be closed" for name in sorted(there - wanted)]
    before = {one.port: one for one in deployed.listeners} if deployed else {}
    for one in desired.listeners if desired else ():
        old = before.get(one.port)
        if one.kind is ListenerKind.TCP and old is not None and _said(old) != _said(one):
            reasons.append(f"port {one.port} listens otherwise")
    return reasons


def _said(listener: Listener) -> tuple[int, bool, int]:
    """What of it is in its section."""
    return listener.max_connections, listener.proxy_protocol, listener.idle_ms


def ended(deployed: Tenant | None, desired: Tenant | None, running: Running) -> tuple[Command, ...]:
    """What is open already, of a tenant that is suspended now: a request is refused, a connection has to be ended."""
    if desired is None or not desired.suspended or deployed is None or deployed.suspended:
        return ()
    return tuple(
        ShutSessions(proxy, server)
        for pool in desired.pools
        if pool.mode is Mode.TCP
        for proxy in (proxy_name(desired.key, pool.key),)
        for server in running.servers_of.get(proxy, ())
    )
