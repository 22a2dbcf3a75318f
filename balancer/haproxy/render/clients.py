"""Who a client is, how often it may ask, and what is said to it: by maps, the same lines for everyone.

Every line asks first for what only a tenant with such rules has, so that the others pay a look-up each.
"""

from balancer.haproxy.networks import MAPPED
from balancer.haproxy.protection import NAMES
from balancer.haproxy.running import ALLOWED, CLIENTS, HEADERS, PROXIES

HOPS = 4  # addresses of X-Forwarded-For that are looked at: a client behind three more proxies of its tenant's

CLIENT_TABLE = "st_client"
CLIENT_TABLE_LINE = "stick-table type string len 64 size 100k expire 5m store gpt0"

# The client behind the tenant's own proxies: from the right, the first address that is none of them, as each proxy
# adds on the right what it saw itself. What stands further left is anybody's claim, and where one is no address (a
# name, "unknown", nothing) it ends, with the proxy for the client. From elsewhere nothing is read at all.
# `set-src` makes it the source for all that follows: limits, log, origin, and the pools that go by the source.
_ADDRESS = f"""    http-request set-var(txn.address) src,hex if {{here}}
    http-request set-var(txn.address) str({MAPPED}),concat(,txn.address) if {{here}} v4
    http-request set-var(txn.proxy) var(txn.tenant),concat(/,txn.address),map_beg({PROXIES},-) if {{here}}
"""
_START = f"""    http-request set-var(txn.clients) var(txn.tenant),map_str({CLIENTS})
    acl ruled var(txn.clients) -m found
    acl v4 var(txn.address) -m len 8
    acl proxied var(txn.proxy),strcmp(txn.tenant) eq 0
{_ADDRESS.format(here="ruled")}"""


def _hop(number: int) -> str:
    entry = f"req.hdr_ip(x-forwarded-for,-{number})"
    return f"""    acl told_{number} {entry} -m found
    http-request set-var(txn.proxy) str(-) if proxied !told_{number}
    http-request set-src {entry} if proxied
{_ADDRESS.format(here="proxied")}"""


CLIENT = _START + "".join(_hop(number) for number in range(1, HOPS + 1))


def headers() -> str:
    """On every answer, ours too. One of the same name that an origin sends is replaced. HSTS only where it holds, over
    TLS (RFC 6797 7.2)."""
    lines = [
        f"    http-request set-var(txn.headers) var(txn.tenant),map_str({HEADERS})\n",
        "    acl dressed var(txn.headers) -m found\n",
    ]
    for number, name in enumerate(NAMES, 1):
        value = f"var(txn.headers),field({number},|)"
        only = " { ssl_fc }" if name.startswith("Strict") else ""
        lines.append(
            f"    http-after-response set-header {name} %[{value}] if dressed{only} {{ {value} -m len gt 1 }}\n"
        )
    return "".join(lines)


COUNTED_CLIENT = f"""    acl each_limited var(txn.clients),field(1,/),add(0) gt 0
    acl allowed var(txn.tenant),concat(/,txn.address),map_beg({ALLOWED}) -m found
    acl mapped var(txn.address) -m beg {MAPPED}
    acl counted var(txn.counted) -m found
    http-request set-var(txn.counted) str(1) if ruled each_limited !allowed
    http-request set-var(txn.address) src,ipmask(32,64),hex if counted !mapped
    http-request track-sc1 var(txn.tenant),concat(/,txn.address) table {CLIENT_TABLE} if counted
"""
