"""What servers were like, carried over a reload, so that one that is down gets no request before its first check.

HAProxy's own dump is not fit for it: it also brings back an address that the new configuration changed
(`haproxy.md 1.2`). Lines are written for servers that stay what they were; who has no line starts by the file.
"""

from collections.abc import Iterable, Iterator

from balancer.haproxy.desired import AdminState, CheckType, Pool, Server, Tenant
from balancer.haproxy.render import proxy_name
from balancer.haproxy.running import Oper, Running
from balancer.haproxy.server_line import file_weight

HEADER = (
    "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight"
    " srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state"
    " bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr"
    " srv_agent_addr srv_agent_port\n"
)
FORCED_DRAIN = 8
DOWN, UP = 0, 2


def server_state(tenants: Iterable[Tenant], running: Running | None) -> str:
    """The state file: drained servers as drained from the first request on, and down ones as down.

    `running` None: nothing is known (a node starts), only what is desired counts.
    """
    return HEADER + "".join(
        line for tenant in tenants for pool in tenant.pools for line in _lines(tenant, pool, running)
    )


def _lines(tenant: Tenant, pool: Pool, running: Running | None) -> Iterator[str]:
    proxy = proxy_name(tenant.key, pool.key)
    for server in pool.servers:
        down = running is not None and pool.health_check.type is not CheckType.NONE and _down(proxy, server, running)
        drain = server.admin is AdminState.DRAIN
        if server.admin is not AdminState.MAINT and (down or drain):
            yield _line(proxy, server, DOWN if down else UP, FORCED_DRAIN if drain else 0, pool.health_check.rise)


def _down(proxy: str, server: Server, running: Running) -> bool:
    now = running.servers.get((proxy, server.key))
    same = now is not None and (now.address, now.port) == (server.address, server.port)
    return now is not None and same and now.oper is Oper.DOWN


def _line(proxy: str, server: Server, oper: int, admin: int, rise: int) -> str:
    # HAProxy takes the weight only where the other one is the file's: it marks a configuration that did not change.
    # 6 and 8: checks passed or failed at layer 4; health counts from 0, up from `rise` on.
    check = "8 2 0" if oper == DOWN else f"6 3 {rise}"
    return (
        f"0 {proxy} 0 {server.key} {server.address} {oper} {admin} {server.weight} {file_weight(server)} 0 {check} 6 0"
        f" 0 0 - {server.port} - 0 0 - - 0\n"
    )
