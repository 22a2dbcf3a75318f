"""What a reload should remember about servers: what their checks found, and nothing that a person decided.

HAProxy's own state file would win over a changed port, and over a weight (`haproxy.md` 1.2). So the file is written
from what runs, with the desired values put in their columns, and without servers whose address changed.
"""

from collections.abc import Iterable, Iterator, Mapping

from .desired import AdminState, Pool, Server, Tenant
from .render.pool import proxy_name
from .server_line import same_address
from .show import UnexpectedText

Wanted = Mapping[str, tuple[Pool, Mapping[str, Server]]]  # proxy -> its pool, and the servers to remember by key
# What HAProxy has for each: CMAINT|FMAINT for `disabled` in the file, FDRAIN.
_FLAGS = {AdminState.READY: "0", AdminState.DRAIN: "8", AdminState.MAINT: "5"}


def wanted(tenants: Iterable[Tenant]) -> Wanted:
    """All servers of these."""
    return {
        proxy_name(tenant.key, pool.key): (pool, {server.key: server for server in pool.servers})
        for tenant in tenants
        for pool in tenant.pools
    }


def carry_states(shown: str, servers: Wanted) -> str:
    """From `show servers state` and the state to come, the text of the `server-state-file`.

    With it a drained server is drained, a down one down and a weight right from the first request after a reload.
    Raises `UnexpectedText`.
    """
    lines = shown.strip().splitlines()
    header = next((index for index, line in enumerate(lines) if line.startswith("#")), None)
    if header is None:
        raise UnexpectedText("`show servers state` without a header")
    at = {column: index for index, column in enumerate(lines[header][1:].split())}
    return "\n".join([*lines[: header + 1], *_rows(lines[header + 1 :], at, servers), ""])


def _rows(lines: Iterable[str], at: Mapping[str, int], servers: Wanted) -> Iterator[str]:
    """A node may have 40,000, nearly all as they should be: those are passed on as they are."""
    width, proxy, key, address, port = len(at), at["be_name"], at["srv_name"], at["srv_addr"], at["srv_port"]
    admin, weight, first, check = (
        at[column] for column in ("srv_admin_state", "srv_uweight", "srv_iweight", "srv_check_port")
    )
    for line in lines:
        row = line.split(" ")
        found = servers.get(row[proxy]) if len(row) >= width else None
        server = found[1].get(row[key]) if found else None
        if found is None or server is None or row[port] != str(server.port):
            continue
        if row[address] != server.address and not same_address(row[address], server.address):
            continue
        weighs = str(server.weight)
        # HAProxy takes the weight only where the file's is the one that it knows.
        filed = "0" if server.admin is AdminState.DRAIN else weighs
        right = _FLAGS[server.admin], weighs, filed, str(server.check_port or found[0].health_check.port or 0)
        if (row[admin], row[weight], row[first], row[check]) == right:
            yield line
        else:
            row[admin], row[weight], row[first], row[check] = right
            yield " ".join(row)
