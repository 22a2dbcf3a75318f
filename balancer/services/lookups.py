"""Ask what a name leads to. Real DNS, for the sake of how long an answer holds; bounded in time, many at once.

IPv4 where there is any, else IPv6: a name that has both is mostly meant for clients, and nodes without IPv6 would fail
half of the requests.
"""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor, as_completed
from concurrent.futures import TimeoutError as TooLate
from contextlib import suppress
from dataclasses import dataclass

import dns.exception
import dns.rdatatype
import dns.resolver
from prometheus_client import Counter

from tenants.outbound.nameservers import resolver

TRY_SECONDS = 1.0
SECONDS = 2.5
AT_ONCE = 50


LOOKUPS = Counter(
    "veloflux_backend_name_lookups_total", "Look-ups of backends' names, by how they ended.", ("outcome",)
)


@dataclass(frozen=True, slots=True)
class Looked:
    """`ttl` in seconds, of the shortest record on the way. `problem`: why there are no addresses, in a sentence."""

    ips: tuple[str, ...] = ()
    ttl: int = 0
    problem: str = ""


def look_all(names: Collection[str], *, within: float) -> dict[str, Looked]:
    """Those that answered, or were found not to, within so many seconds."""
    found: dict[str, Looked] = {}
    if not names:
        return found
    pool = ThreadPoolExecutor(min(AT_ONCE, len(names)), thread_name_prefix="name")
    try:
        asked = {pool.submit(look, name): name for name in names}
        with suppress(TooLate):
            for done in as_completed(asked, within):
                found[asked[done]] = looked = done.result()
                LOOKUPS.labels("failed" if looked.problem else "found").inc()
    finally:
        LOOKUPS.labels("silent").inc(len(names) - len(found))
        pool.shutdown(wait=False, cancel_futures=True)
    return found


def look(name: str) -> Looked:
    try:
        asking = resolver()
        asking.timeout = TRY_SECONDS
        return _ask(asking, name)
    except dns.resolver.NXDOMAIN:
        return Looked(problem=f"The name {name} does not exist.")
    except dns.exception.Timeout:
        return Looked(problem=f"The name servers of {name} do not answer.")
    except dns.exception.DNSException:
        return Looked(problem=f"The name servers of {name} give no answer, but an error.")


def _ask(asking: dns.resolver.Resolver, name: str) -> Looked:
    """The last dot keeps the machine's own search list out of it: `db.` is not to become somebody's inner `db`."""
    for kind in ("A", "AAAA"):
        answer = asking.resolve(f"{name}.", kind, lifetime=SECONDS, raise_on_no_answer=False)
        if answer.rrset:
            chain = answer.chaining_result
            return Looked(tuple(sorted(str(row.address) for row in answer.rrset)), chain.minimum_ttl)
    return Looked(problem=f"The name {name} has no address.")
