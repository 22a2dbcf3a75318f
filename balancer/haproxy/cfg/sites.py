"""HTTP frontends as routes: each host's rules walked in HAProxy's order, and written with falling priorities."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from balancer.haproxy.text import Unprintable, body
from balancer.haproxy.text import host as checked_host

from .atoms import Dead, Host
from .facts import Facts, sites_of
from .fates import Ledger
from .formats import ending, of_site
from .paths import written
from .proxies import Proxy, Ruled
from .rules import checked_url
from .said import Inexpressible
from .sections import Unreadable
from .steps import Redirect, Respond, Rules, Send, Step
from .walk import MOST, Budget, Flat, Led, Stuck, Walk, flat

PRIORITY_MAX, TRIES = 1000, 50


@dataclass(slots=True)
class Web:
    """A frontend for HTTP. `secure`: whether it takes TLS alone, none, or (None) both."""

    proxy: Proxy
    secure: bool | None
    ruled: Ruled
    total: bool = True

    @property
    def number(self) -> int:
        return self.proxy.section.head.number


@dataclass(slots=True)
class Sites:
    routes: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)  # of each route, one to point at
    used: list[frozenset[int]] = field(default_factory=list)  # of each route, all
    in_the_way: dict[int, str] = field(default_factory=dict)  # line → the frontend that was there before


class NeedsHost(ValueError):
    """A frontend serves whatever host, and none is named."""


def hosts_of(webs: Iterable[Web]) -> list[str]:
    """Those that rules name, in their order."""
    found: dict[str, None] = {}
    met = set[int]()  # an ACL's are the same ones wherever it is named
    for web in webs:
        for step in web.ruled.steps:
            for conj in step.when.conjs:
                for atom, _ in conj:
                    if isinstance(atom, Host) and id(atom) not in met:
                        met.add(id(atom))
                        found |= dict.fromkeys(filter(_is_host, sites_of(atom)))
    return list(found)


def _is_host(text: str) -> bool:
    try:
        return bool(checked_host(text)) and "." in text
    except Unprintable:
        return False


def fallbacks(web: Web, ledger: Ledger) -> dict[str, tuple[str, int]]:
    """`use_backend sorry if { nbsrv(web) lt 1 }`: sorry takes over for web, wherever web is meant. The rule goes."""
    found: dict[str, tuple[str, int]] = {}
    kept: list[Step] = []
    later: set[str] = set()
    for step in reversed(web.ruled.steps):
        conjs = step.when.conjs
        dead = conjs[0][0][0] if len(conjs) == 1 and len(conjs[0]) == 1 else None
        if not isinstance(dead, Dead) or not conjs[0][0][1] or not isinstance(step.do, Send):
            kept.append(step)
        elif later != {dead.pool}:
            why = "Who takes over while a pool has nobody left is said of that pool alone, and other rules follow."
            ledger.refused(step.line, why)
        else:
            found.setdefault(dead.pool, (step.do.pool, step.line))
        later |= {step.do.pool} if isinstance(step.do, Send) else set()
    web.ruled.steps[:] = reversed(kept)
    return found


@dataclass(frozen=True, slots=True)
class _File:
    """What is the same for every host. `fronts`: of each web; `ways`: in how many ways they are come in by."""

    webs: list[Web]
    fronts: list[Flat]
    pools: Mapping[str, Flat]
    ways: frozenset[bool | None]
    budget: Budget


def walked(webs: list[Web], rules: Mapping[str, Rules], hosts: list[str], ledger: Ledger) -> Sites:
    """A line that cannot be said of a host is refused, and left out for that host. Raise `Unreadable` where it would
    take too long."""
    fronts = [
        flat(Rules(tuple(web.ruled.steps), web.ruled.edits, frozenset(web.ruled.lines | {web.number}))) for web in webs
    ]
    pools = {name: flat(one) for name, one in rules.items()}
    file = _File(webs, fronts, pools, frozenset(web.secure for web in webs), Budget())
    sites = Sites()
    for host in hosts:
        without: set[int] = set()
        while not _host(host, file, without, sites, ledger):
            pass
    return sites


def _host(host: str, file: _File, without: set[int], sites: Sites, ledger: Ledger) -> bool:
    """False: a line more is left out, and it is to be tried again."""
    found = Sites()
    try:
        _walk(host, file, without, found)
    except Stuck as stuck:
        if stuck.line in without or len(without) >= TRIES:
            raise Unreadable(f"Line {stuck.line}: {stuck}") from stuck
        without.add(stuck.line)
        ledger.refused(stuck.line, f"{host}: {stuck}")
        return False
    sites.routes += found.routes
    sites.lines += found.lines
    sites.used += found.used
    sites.in_the_way |= found.in_the_way
    if len(sites.routes) > MOST:
        raise Unreadable(f"Its rules would be more than {MOST} routes; import it in parts.")
    return True


def _walk(host: str, file: _File, without: set[int], sites: Sites) -> None:
    led: list[Led] = []
    taken: list[tuple[Web, bool | None]] = []
    for web, rules in zip(file.webs, file.fronts, strict=True):
        if not rules.ones:
            web.total = False
            continue
        walk = Walk(file.pools, file.budget, web.proxy.section.called, without)
        start = Facts(host, secure=_secure(web, file.ways))
        total = walk.run(rules, start)
        met = (one for one, way in taken if way is None or start.secure is None or way == start.secure)
        other = next(met, None)
        if walk.found and other is not None:
            sites.in_the_way |= dict.fromkeys(_own_lines(walk.found, web), other.proxy.section.called)
            continue
        web.total &= total
        if walk.found:
            taken.append((web, start.secure))
            led += walk.found
    _write(host, led, sites)


def _secure(web: Web, ways: frozenset[bool | None]) -> bool | None:
    """Only where another frontend takes the other way in does it matter which this one is."""
    return None if web.secure is None or ways <= {None, web.secure} else web.secure


def _own_lines(found: list[Led], web: Web) -> set[int]:
    own = {line.number for line in web.proxy.section.every}
    return {line for one in found for line in one.lines & own}


def _write(host: str, led: list[Led], sites: Sites) -> None:
    made = [(one, path, match) for one in led for path, match in _paths(one)]
    if len(made) > PRIORITY_MAX:
        raise Stuck(max(max(one.lines) for one in led), f"A host has {PRIORITY_MAX} routes at most.")
    for at, (one, path, match) in enumerate(made):
        line = max(one.lines)
        try:
            route = _route(host, one)
        except Inexpressible as error:
            raise Stuck(line, str(error)) from error
        sites.routes.append({
            **route, "path_prefix": path, "path_match": match.value, "priority": len(made) - 1 - at,
            "description": f"haproxy.cfg, {one.whose}"[:500],
        })  # fmt: skip
        sites.lines.append(line)
        sites.used.append(one.lines)


def _paths(one: Led) -> Iterable[tuple[str, Any]]:
    try:
        return list(written(one.facts.paths))
    except Inexpressible as error:
        raise Stuck(max(one.lines), str(error)) from error


def _route(host: str, one: Led) -> dict[str, Any]:
    found: dict[str, Any] = {"host": host, "conditions": one.facts.conditions}
    found |= {"pool": one.to} if isinstance(one.to, str) else {"action": _action(one.to, host)}
    edits = one.edits
    if edits.request:
        found["request_headers"] = [dict(edit) for edit in edits.request]
    if edits.response or edits.after:
        found["response_headers"] = [dict(edit) for edit in (*edits.response, *edits.after)]
    if edits.rewrite:
        found["rewrite"] = dict(edits.rewrite)
    return {**found, **({"compression": True} if edits.compression else {})}


def _action(to: Redirect | Respond, host: str) -> dict[str, Any]:
    if isinstance(to, Respond):
        body(to.body)
        return {"type": "respond", "status": to.status, "content_type": to.content_type, "body": to.body}
    if to.how == "scheme":
        if host.startswith("*."):
            raise Inexpressible("A redirect to another scheme names its host; *.-hosts have many.")
        return {"type": "redirect", "prefix": f"{to.to}://{host}", "code": to.code}
    start, follows = ending(to.to) if to.how == "location" else (to.to, True)
    where = checked_url(of_site(start, host))
    if follows and where == "/":
        raise Inexpressible("A prefix of / says nothing.")
    return {"type": "redirect", "prefix" if follows else "url": where, "code": to.code}
