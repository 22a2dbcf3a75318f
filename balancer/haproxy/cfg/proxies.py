"""What the sections of proxies have in common: which `defaults` they begin with, their mode, their ACLs and rules."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from . import conditions, maps, notes, rules, said
from .conditions import EVER, Acl
from .fates import Ledger
from .formats import ending, of_site
from .lines import Line
from .maps import Files
from .said import Inexpressible, Kept
from .sections import Kind, Section, Text
from .steps import Do, Edits, Redirect, Respond, Send, Skip, Step

FIRST, REDIRECTS, USED = ("http-request", "monitor-uri"), ("redirect",), ("use_backend",)
RULES = {*FIRST, *REDIRECTS, *USED, "default_backend", "http-response", "http-after-response", "compression", "acl",
         "reqadd", "rspadd"}  # fmt: skip
READY = Respond(200, "text/html", "<html><body><h1>200 OK</h1>\nService ready.\n</body></html>\n")


@dataclass(slots=True)
class Proxy:
    """A section, and the `defaults` that it is made from."""

    section: Section
    usual: Section | None
    acls: dict[str, Acl] = field(default_factory=dict)
    files: Files = field(default_factory=dict)  # maps that were sent along, by their names

    @property
    def lines(self) -> Iterator[Line]:
        """Of the defaults first."""
        for section in (self.usual, self.section):
            yield from (line for line in (section.lines if section else ()) if line.words)

    @property
    def own(self) -> list[Line]:
        return [line for line in self.section.lines if line.words]

    @property
    def mode(self) -> str:
        """HAProxy's own is tcp."""
        found = [line.words[1] for line in self.lines if line.words[0] == "mode" and len(line.words) > 1]
        return found[-1] if found else "tcp"

    def has(self, *words: str) -> bool:
        return any(line.words[: len(words)] == words for line in self.lines)

    def last(self, *words: str) -> Line | None:
        found = [line for line in self.lines if line.words[: len(words)] == words]
        return found[-1] if found else None


def of(text: Text, files: Files) -> list[Proxy]:
    """Frontends, pools and listens in their order."""
    found, last, named = [], None, dict[str, Section]()
    for section in text.sections:
        if section.kind is Kind.DEFAULTS:
            last = section
            named[section.name] = section
        elif section.kind in (Kind.FRONTEND, Kind.POOL, Kind.LISTEN):
            usual = named.get(section.based) if section.based else last
            found.append(Proxy(section, usual, conditions.acls(section.lines), files))
    return found


@dataclass(slots=True)
class Ruled:
    """The rules of a section as steps, in HAProxy's order: requests, redirects, then who gets the request."""

    steps: list[Step] = field(default_factory=list)
    edits: Edits = field(default_factory=Edits)
    lines: set[int] = field(default_factory=set)  # of what is done to every request


def ruled(proxy: Proxy, pools: set[str], ledger: Ledger, refused: frozenset[int]) -> Ruled:
    """What cannot be said is refused in the ledger. `refused`: lines that were, in an earlier try."""
    found = Ruled()
    ordered = sorted((line for line in proxy.own if line.words[0] in RULES), key=_order)
    first = {line.number for line in ordered if line.words[0] in FIRST}
    for line in proxy.lines:
        if line.words[0] == "compression" and line.words[1:2] == ("algo",):
            found.edits = found.edits.plus(Edits(compression=True))
            found.lines.add(line.number)
    at_end = 0
    for line in ordered:
        if line.number in refused:
            continue
        at_end = len(found.steps) if line.number in first else at_end
        try:
            _rule(proxy, line, found, pools, after=len(first))
        except Kept as kept:
            ledger.note(line.number, str(kept))
        except Inexpressible as error:
            ledger.refused(line.number, str(error))
    _skips(found, proxy)
    return found


def _order(line: Line) -> int:
    word = line.words[0]
    if word == "monitor-uri":
        return -1
    return 0 if word in FIRST else 1 if word in REDIRECTS else 2 if word in USED else 3


def _skips(found: Ruled, proxy: Proxy) -> None:
    """`allow` leaves out the rest of `http-request`: to the first step of another kind."""
    requests = {line.number for line in proxy.own if line.words[0] in FIRST}
    after = next((at for at, step in enumerate(found.steps) if step.line not in requests), len(found.steps))
    for at, step in enumerate(found.steps):
        if isinstance(step.do, Skip):
            found.steps[at] = Step(step.line, step.when, Skip(after))


def _rule(proxy: Proxy, line: Line, found: Ruled, pools: set[str], *, after: int) -> None:
    words, condition = conditions.split(line.words[1:])
    kind = line.words[0]
    if kind in ("acl", "compression"):
        return
    if kind in ("reqadd", "rspadd"):
        raise Inexpressible("Write it as http-request set-header or http-response set-header.")
    if kind in ("http-response", "http-after-response"):
        if condition and condition not in (("if", "TRUE"), ("if", "{", "always_true", "}")):
            raise Inexpressible("Headers of answers are set by a route for all of its answers, without a condition.")
        found.edits = found.edits.plus(rules.http_response(words, always=kind == "http-after-response"))
        found.lines.add(line.number)
        return
    if kind == "monitor-uri":
        if not words:
            raise Inexpressible("It has no value.")
        when = conditions.read(("if", "{", "path", words[0], "}"), proxy.acls)
        found.steps.append(Step(line.number, when, READY))
        return
    if kind in ("use_backend", "default_backend"):
        if len(words) != 1:
            raise Inexpressible("It names no backend, or several.")
        chosen = maps.looked_up(words[0], proxy.files) if kind == "use_backend" else None
        if chosen is not None:
            found.steps += _mapped(proxy, line, chosen, condition, pools)
            return
        do: Do = Send(_led(words[0], pools))
    elif kind == "redirect":
        do = _redirected(rules.redirect(words))
    else:
        do = rules.http_request(words, after=after)
        do = _redirected(do) if isinstance(do, Redirect) else do
    when = conditions.read(condition, proxy.acls) if kind != "default_backend" else EVER
    found.steps.append(Step(line.number, when, do))


def _mapped(
    proxy: Proxy, line: Line, chosen: maps.LookedUp, condition: tuple[str, ...], pools: set[str]
) -> Iterator[Step]:
    usual = proxy.last("default_backend")
    after = [one for one in proxy.own if one.words[0] in USED and one.number > line.number]
    for one in maps.sent(chosen, condition, proxy.acls, pools, last=usual is None and not after):
        if one.pool is None and usual is None:
            raise Inexpressible(maps.NO_OTHER)
        pool = one.pool if one.pool is not None or usual is None else " ".join(usual.words[1:2])
        yield Step(line.number, one.when, Send(_led(pool or "", pools)))


def _redirected(do: Redirect) -> Redirect:
    if do.how != "scheme":
        rules.checked_url(of_site(ending(do.to)[0], "x.test"))
    return do


def _led(name: str, pools: set[str]) -> str:
    if "%" in name:
        raise Inexpressible(said.NO_FILE if "map" in name else "The backend's name is made from the request.")
    if name not in pools:
        raise Inexpressible(said.NO_POOL.format(name=name[:80]))
    return name


def noted(line: Line, ledger: Ledger) -> None:
    """What no object comes of: a note where it needs none, and refused where it did something."""
    why = notes.why(line.words)
    if why is not None:
        ledger.note(line.number, why)
