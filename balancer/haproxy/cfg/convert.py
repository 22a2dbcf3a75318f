"""A whole haproxy.cfg as the parts of a document, and the fate of every line of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import leftovers, pools, proxies, said, ways
from .conditions import EVER
from .fates import Ledger, Told
from .maps import Files
from .pools import Draft
from .proxies import Proxy, Ruled
from .said import Inexpressible, Kept
from .sections import Kind, Unreadable, read_text
from .sites import NeedsHost, Sites, Web, fallbacks, hosts_of, walked
from .steps import Rules, Send, Step

HOSTS_MAX = 100
LINES_READ_MAX = 100_000  # those of defaults are read again for each section that begins with them
LISTENERS_MAX = 300
LOOK_UPS_MAX = 50  # each reads its map, and is a rule for each of its entries


@dataclass(frozen=True, slots=True)
class Converted:
    """As `documents.Document` has them. `where`: a pointer into it → the line that it came from. `hosts`: those that
    its sites have; `asks_host`: rules are for hosts that nobody named too."""

    pools: list[dict[str, Any]]
    routes: list[dict[str, Any]]
    listeners: list[dict[str, Any]]
    lines: list[Told]
    where: dict[str, int]
    hosts: list[str] = field(default_factory=list)
    asks_host: bool = False


@dataclass(slots=True)
class Made:
    """A pool and the lines that are in it."""

    draft: Draft
    proxy: Proxy
    lines: dict[int, str] = field(default_factory=dict)  # → what is said of it
    servers: list[int] = field(default_factory=list)


def convert(
    text: str,
    *,
    hosts: Sequence[str] = (),
    ports: Callable[[int], bool] = lambda port: False,
    files: Files | None = None,
) -> Converted:
    """`hosts`: what is to be served by rules that name none; `ports`: which can be a tenant's; `files`: maps, by the
    name that the text has for them or its last part. Raise `Unreadable`, or `NeedsHost`. The work is bounded, whatever
    the text."""
    read = read_text(text)
    ledger = Ledger()
    leftovers.plain(read, ledger)
    every_proxy = proxies.of(read, files or {})
    if sum(len(part.lines) for one in every_proxy for part in (one.usual, one.section) if part) > LINES_READ_MAX:
        raise Unreadable("Too many sections begin with its long defaults; import it in parts.")
    if sum(line.words[:1] == ("use_backend",) and ",map" in line.text for line in read.lines) > LOOK_UPS_MAX:
        raise Unreadable(f"It looks up in maps more than {LOOK_UPS_MAX} times; import it in parts.")
    found = [one for one in every_proxy if not _switched_off(one, ledger)]
    made = {one.section.name: _pool(one, ledger) for one in found if _serves(one)}
    webs = [Web(one, _secure(one, ledger), Ruled()) for one in found if one.mode == "http" and _takes(one)]
    every = set(made)
    for web in webs:
        web.ruled = proxies.ruled(web.proxy, every, ledger, frozenset())
        if web.proxy.section.kind is Kind.LISTEN:
            web.ruled.steps.append(Step(web.number, EVER, Send(web.proxy.section.name)))
    rules = {name: _rules(one, every, ledger) for name, one in made.items() if one.draft.mode == "http"}
    rules |= {name: Rules() for name in every - rules.keys()}
    for web in webs:
        for pool, (other, line) in fallbacks(web, ledger).items():
            made[pool].draft.fields["backup_pool"] = other
            ledger.managed(line, f"pool {pool}")
    named = [*dict.fromkeys([*hosts, *hosts_of(webs)])]
    if webs and not named and any(web.ruled.steps for web in webs):
        raise NeedsHost
    if len(named) > HOSTS_MAX:
        raise Unreadable(f"It names more than {HOSTS_MAX} hosts; import it in parts.")
    sites = walked(webs, rules, named, ledger)
    listening = _ways(found, made, ledger, ports)
    _mark(sites, webs, listening, made, ledger)
    leftovers.rest(read, found, ledger)
    order = list(made.values())
    where = {f"/pools/{at}": one.proxy.section.head.number for at, one in enumerate(order)}
    where |= {f"/pools/{at}/backends/{n}": line for at, one in enumerate(order) for n, line in enumerate(one.servers)}
    where |= {f"/routes/{at}": line for at, line in enumerate(sites.lines)}
    where |= {f"/listeners/{at}": way.line for at, way in enumerate(listening)}
    return Converted(
        [one.draft.document() for one in order], sites.routes, [way.document for way in listening],
        ledger.told(read.lines, said.UNKNOWN), where, named, any(_anybody(web) for web in webs),
    )  # fmt: skip


def _anybody(web: Web) -> bool:
    return any(step.when == EVER for step in web.ruled.steps)


def _switched_off(proxy: Proxy, ledger: Ledger) -> bool:
    states = [line.words[0] for line in proxy.lines if line.words[0] in ("disabled", "enabled")]
    names = not proxy.section.name
    if names:
        ledger.refused(proxy.section.head.number, "The section has no name.")
    if not names and states[-1:] != ["disabled"]:
        return False
    for line in proxy.section.every:
        ledger.note(line.number, said.DISABLED)
    return True


def _serves(proxy: Proxy) -> bool:
    if proxy.section.kind is Kind.FRONTEND:
        return False
    return proxy.section.kind is Kind.POOL or any(line.words[0] == "server" for line in proxy.own)


def _takes(proxy: Proxy) -> bool:
    return proxy.section.kind is Kind.FRONTEND or (proxy.section.kind is Kind.LISTEN and _serves(proxy))


def _pool(proxy: Proxy, ledger: Ledger) -> Made:
    found = Made(Draft(proxy.section.name, proxy.mode), proxy)
    single: dict[str, int] = {}
    for line in proxy.lines:
        try:
            if not pools.take(found.draft, line):
                continue
        except Kept as kept:
            ledger.note(line.number, str(kept))
            continue
        except Inexpressible as error:
            ledger.refused(line.number, str(error))
            continue
        key = " ".join(line.words[:2]) if line.words[0] in ("option", "timeout") else line.words[0]
        if (
            key not in pools.REPEATED
            and key in single
            and not line.words[0].startswith(("http-check", "option", "stick"))
        ):
            found.lines.pop(single[key], None)
        single[key] = line.number
        found.lines[line.number] = found.draft.said.get(line.number, "")
        if line.words[0] == "server":
            found.servers.append(line.number)
    found.draft.mode = proxy.mode
    return found


def _secure(proxy: Proxy, ledger: Ledger) -> bool | None:
    """By its `bind` lines, each of which is said what becomes of it."""
    ways_in = set()
    for line in proxy.own if proxy.mode == "http" else ():
        if line.words[0] != "bind":
            continue
        ways_in.add("ssl" in line.words)
        try:
            for address in (line.words[1] if len(line.words) > 1 else "").split(","):
                ways.port_of(address)
        except Inexpressible as error:
            ledger.refused(line.number, str(error))
            continue
        ledger.note(line.number, said.CERTIFICATE if "ssl" in line.words else said.SHARED)
    return None if len(ways_in) != 1 else ways_in.pop()


def _rules(made: Made, every: set[str], ledger: Ledger) -> Rules:
    """Of a `listen` they are its frontend's."""
    if made.proxy.section.kind is Kind.LISTEN:
        return Rules()
    ruled = proxies.ruled(made.proxy, every, ledger, frozenset())
    return Rules(tuple(ruled.steps), ruled.edits, frozenset(ruled.lines))


def _ways(found: list[Proxy], made: dict[str, Made], ledger: Ledger, ports: Callable[[int], bool]) -> list[ways.Way]:
    tcp = {name for name, one in made.items() if one.draft.mode == "tcp"}
    listening: list[ways.Way] = []
    for proxy in found:
        if proxy.mode == "tcp" and _takes(proxy):
            own = proxy.section.name if proxy.section.kind is Kind.LISTEN else ""
            listening += ways.of(proxy, tcp, own, ledger, ports, most=LISTENERS_MAX - len(listening))
    return listening


def _mark(sites: Sites, webs: list[Web], listening: list[ways.Way], made: dict[str, Made], ledger: Ledger) -> None:
    for route, lines in zip(sites.routes, sites.used, strict=True):
        for line in lines:
            ledger.managed(line, f"route {route['host']}{route['path_prefix']}")
    used = frozenset[int]().union(*sites.used)
    for line, other in sites.in_the_way.items():
        if line not in used:
            ledger.refused(line, said.SAME_WAY.format(other=other))
    for web in webs:
        if not web.total:
            ledger.managed(web.number, f"routes of {web.proxy.section.called}", said.UNTAKEN)
    for way in listening:
        for line in way.lines:
            ledger.managed(line, ways.named(way.document))
    for one in made.values():
        ledger.managed(one.proxy.section.head.number, f"pool {one.draft.name}")
        for line, sentence in one.lines.items():
            ledger.managed(line, f"pool {one.draft.name}", sentence)
