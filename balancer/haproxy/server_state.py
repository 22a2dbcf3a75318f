"""What a reload should remember about servers: what their checks found, and nothing that a person decided.

HAProxy's own state file would win over a changed port, and over a weight (`haproxy.md` 1.2). So the file is written
from what runs, with the desired values put in their columns, and without servers whose address changed.
"""

from collections.abc import Iterable

from .desired import AdminState, Pool, Server, Tenant
from .render.pool import proxy_name
from .server_line import same_address
from .show import UnexpectedText

# What HAProxy has for each: CMAINT|FMAINT for `disabled` in the file, FDRAIN.
_FLAGS = {AdminState.READY: "0", AdminState.DRAIN: "8", AdminState.MAINT: "5"}


def carry_states(shown: str, tenants: Iterable[Tenant]) -> str:
    """From `show servers state` and the state to come, the text of the `server-state-file`.

    With it a drained server is drained, a down one down and a weight right from the first request after a reload.
    Of 40,000 lines, those of pools that are not named cost next to nothing. Raises `UnexpectedText`.
    """
    lines = shown.strip().splitlines()
    header = next((index for index, line in enumerate(lines) if line.startswith("#")), None)
    if header is None:
        raise UnexpectedText("`show servers state` without a header")
    at = {column: index for index, column in enumerate(lines[header][1:].split())}
    wanted = {
        proxy_name(tenant.key, pool.key): (pool, {server.key: server for server in pool.servers})
        for tenant in tenants
        for pool in tenant.pools
    }
    proxy = at["be_name"]
    rows = (
        (line.split(" "), *wanted[start[proxy]])
        for line in lines[header + 1 :]
        if len(start := line.split(" ", proxy + 1)) > proxy and start[proxy] in wanted
    )
    kept = [
        _row(row, at, pool, server)
        for row, pool, servers in rows
        if len(row) >= len(at) and (server := servers.get(row[at["srv_name"]])) and _same(row, at, server)
    ]
    return "\n".join([*lines[: header + 1], *kept, ""])


def _same(row: list[str], at: dict[str, int], server: Server) -> bool:
    return same_address(row[at["srv_addr"]], server.address) and row[at["srv_port"]] == str(server.port)


def _row(row: list[str], at: dict[str, int], pool: Pool, server: Server) -> str:
    row[at["srv_admin_state"]] = _FLAGS[server.admin]
    row[at["srv_uweight"]] = str(server.weight)
    # HAProxy takes the weight only where the file's is the one that it knows.
    row[at["srv_iweight"]] = "0" if server.admin is AdminState.DRAIN else str(server.weight)
    row[at["srv_check_port"]] = str(server.check_port or pool.health_check.port or 0)
    return " ".join(row)
