"""Pools and their servers: what the runtime can do, and what needs a reload."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .abilities import takes_servers
from .capabilities import Capabilities
from .commands import AddServer, Command, RemoveServer, SetAddress, SetAdmin, SetCheckPort, SetMaxConn, SetWeight
from .desired import AdminState, CheckType, Pool, Server, Tenant
from .render.pool import proxy_name
from .running import Oper, Running, RunningServer
from .server_line import same_address
from .serving import Serving
from .sites import is_router


@dataclass(frozen=True, slots=True)
class PoolPlan:
    tenant_key: str
    commands: tuple[Command, ...]
    reload: tuple[str, ...]
    live: frozenset[str]  # proxies that run and are wanted
    wanted: frozenset[str]

    def retire(self, running: Running, *, still_routed: frozenset[str]) -> tuple[Command, ...]:
        """Put the servers of removed pools to maint; the sections go with the next reload."""
        return tuple(
            SetAdmin(proxy, server, AdminState.MAINT)
            for proxy in running.pools_of.get(self.tenant_key, ())
            if proxy not in self.wanted and proxy not in still_routed and not is_router(proxy)
            for server in running.servers_of.get(proxy, ())
            if running.servers[proxy, server].admin is not AdminState.MAINT
        )


@dataclass(slots=True)
class _Draft:
    can: Capabilities
    commands: list[Command] = field(default_factory=list)
    removals: list[Command] = field(default_factory=list)
    reload: list[str] = field(default_factory=list)


def plan_pools(
    deployed: Tenant | None, desired: Tenant | None, running: Running, capabilities: Capabilities
) -> PoolPlan:
    """A pool that HAProxy has not read yet is left alone: it comes whole, with the reload."""
    tenant = desired or deployed
    key = tenant.key if tenant else ""
    before = {pool.key: pool for pool in deployed.pools} if deployed else {}
    draft = _Draft(capabilities)
    live: set[str] = set()
    wanted: set[str] = set()
    for pool in desired.pools if desired else ():
        proxy = proxy_name(key, pool.key)
        wanted.add(proxy)
        old = before.get(pool.key)
        if proxy not in running.pools or old is None:
            draft.reload.append(f"pool {pool.key} is new")
            continue
        live.add(proxy)
        if old is not pool:
            draft.reload += settings_changed(old, pool)
        if old is not pool or not _as_it_should_be(pool, running.servers_of.get(proxy, {})):
            _plan_servers(draft, proxy, old, pool, running)
    return PoolPlan(key, (*draft.commands, *draft.removals), tuple(draft.reload), frozenset(live), frozenset(wanted))


def settings_changed(old: Pool, new: Pool) -> list[str]:
    """What of a pool HAProxy 2.6 only takes from a file."""
    changes = (
        ("another algorithm", old.algorithm is not new.algorithm),
        ("another health check", old.health_check != new.health_check),
        ("other timeouts", old.timeouts != new.timeouts),
        ("another number of retries", old.retries != new.retries),
        ("another mode", old.mode is not new.mode),
        *served_otherwise(old.serving, new.serving),
    )
    return [f"pool {new.key} has {what}" for what, changed in changes if changed]


def served_otherwise(old: Serving, new: Serving) -> tuple[tuple[str, bool], ...]:
    """Its fallback is a map's entry, and no matter here."""
    return (
        ("another header to choose by", old.hash_header != new.hash_header),
        ("other sticky sessions", old.sticky != new.sticky),
        (
            "other limits",
            (old.max_connections, old.max_queue, old.slow_start_ms, old.error_limit)
            != (new.max_connections, new.max_queue, new.slow_start_ms, new.error_limit),
        ),
        ("other reasons to retry", old.retry_on != new.retry_on),
        (
            "another way to its servers",
            (old.tls, old.h2, old.proxy_protocol) != (new.tls, new.h2, new.proxy_protocol),
        ),
    )


def _as_it_should_be(pool: Pool, there: Mapping[str, RunningServer]) -> bool:
    """Of a pool that nobody changed: nearly every one is, and needs no closer look."""
    check_port = pool.health_check.port or 0
    for server in pool.servers:
        runs = there.get(server.key)
        if not (
            runs is not None
            and runs.weight == server.weight
            and runs.admin is server.admin
            and runs.address == server.address
            and runs.port == server.port
            and runs.check_port == (server.check_port or check_port)
            and (runs.max_connections is None or runs.max_connections == (server.max_connections or 0))
        ):
            return False
    return len(there) == len(pool.servers)


def _plan_servers(draft: _Draft, proxy: str, old: Pool, new: Pool, running: Running) -> None:
    before = {server.key: server for server in old.servers}
    there = running.servers_of.get(proxy, {})
    check_port = new.health_check.port or 0
    found = 0
    for server in new.servers:
        runs = there.get(server.key)
        if runs is None:
            _add(draft, proxy, server, new, running)
            continue
        found += 1
        was = before.get(server.key)
        if was is not None and was.backup is not server.backup:
            draft.reload.append(f"server {server.key} {'became' if server.backup else 'is no longer'} a backup")
        # Nearly every server is as it should be: say so without a call.
        if not (
            runs.weight == server.weight
            and runs.admin is server.admin
            and runs.address == server.address
            and runs.port == server.port
            and runs.check_port == (server.check_port or check_port)
            and was is not None
            and was.max_connections == server.max_connections
            and (runs.max_connections is None or runs.max_connections == (server.max_connections or 0))
        ):
            draft.commands += server_commands(proxy, server, runs, was, new)
    if len(there) != found:
        keys = {server.key for server in new.servers}
        wait = draft.can.wait_removable
        draft.removals += [RemoveServer(proxy, key, wait) for key in there if key not in keys]


def _add(draft: _Draft, proxy: str, server: Server, pool: Pool, running: Running) -> None:
    if not takes_servers(pool, draft.can):
        draft.reload.append(f"server {server.key} needs a cookie, which comes with a reload")
    elif pool.serving.tls is not None and proxy not in running.servers_of:
        # `add server` takes what a server of the file has read (configuration.txt: ca-file, crt), and there is none.
        draft.reload.append(f"server {server.key} is the first of its pool over TLS")
    else:
        at_once = not _answers(proxy, pool, running)
        draft.commands.append(AddServer(proxy, server, pool.health_check, at_once, pool.serving))


def _answers(proxy: str, pool: Pool, running: Running) -> bool:
    """Whether some server that stays can take the requests while a new one is still asked."""
    servers = running.servers_of.get(proxy, {})
    there = (servers.get(server.key) for server in pool.servers)
    return any(
        runs.admin is AdminState.READY and runs.weight > 0 and runs.oper not in {Oper.DOWN, Oper.STOPPING}
        for runs in there
        if runs is not None
    )


def server_commands(proxy: str, server: Server, runs: RunningServer, was: Server | None, pool: Pool) -> list[Command]:
    commands: list[Command] = []
    if runs.port != server.port or not same_address(runs.address, server.address):
        commands.append(SetAddress(proxy, server.key, server.address, server.port))
    if runs.weight != server.weight:
        commands.append(SetWeight(proxy, server.key, server.weight))
    if runs.admin is not server.admin:
        commands.append(SetAdmin(proxy, server.key, server.admin))
    limit = server.max_connections or 0
    seen = runs.max_connections if runs.max_connections is not None else (was.max_connections or 0 if was else limit)
    if seen != limit:
        commands.append(SetMaxConn(proxy, server.key, limit))
    port = server.check_port or pool.health_check.port or 0
    if pool.health_check.type is not CheckType.NONE and runs.check_port != port:
        commands.append(SetCheckPort(proxy, server.key, port))
    return commands
