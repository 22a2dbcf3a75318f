"""What is known of servers when a worker starts, so that its first request already finds them as they are."""

from collections.abc import Iterable, Iterator, Sequence

from balancer.haproxy.desired import AdminState, CheckType, Pool, Server, Tenant
from balancer.haproxy.render import proxy_name
from balancer.haproxy.server_state import Wanted, carry_states

HEADER = (
    "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight"
    " srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state"
    " bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr"
    " srv_agent_addr srv_agent_port\n"
)


def at_start(tenants: Iterable[Tenant]) -> str:
    """Nothing was heard of any server yet; but who is drained is drained from the first request on.

    The second weight is the file's (0, for a drained server): only then HAProxy takes the first (2.6.12).
    """
    return HEADER + "".join(_drained(tenants))


def worth_remembering(tenants: Iterable[Tenant]) -> Wanted:
    """Who is down stays down over a reload until a check says otherwise, and who is drained stays drained; of others
    the file says all. A server that lost its check would stay down for ever."""
    return {
        proxy_name(tenant.key, pool.key): (pool, {server.key: server for server in servers})
        for tenant in tenants
        for pool in tenant.pools
        if (servers := _remembered(pool))
    }


def over_a_reload(shown: str, servers: Wanted) -> str:
    """From `show servers state`. Raises UnexpectedText."""
    return carry_states(shown or HEADER, servers)


def _drained(tenants: Iterable[Tenant]) -> Iterator[str]:
    for tenant in tenants:
        for pool in tenant.pools:
            proxy = proxy_name(tenant.key, pool.key)
            for server in pool.servers:
                if server.admin is AdminState.DRAIN:
                    yield (
                        f"0 {proxy} 0 {server.key} {server.address} 2 8 {server.weight} 0 0 6 3"
                        f" {pool.health_check.rise} 6 0 0 0 - {server.port} - 0 0 - - 0\n"
                    )


def _remembered(pool: Pool) -> Sequence[Server]:
    if pool.health_check.type is not CheckType.NONE:
        return pool.servers
    return [server for server in pool.servers if server.admin is AdminState.DRAIN]
