"""What is known of the requests of one host that have come so far down the rules."""

from dataclasses import dataclass, replace

from balancer.haproxy.routing import MANY_CONDITIONS, Condition, On, Op

from .atoms import Always, Ask, Dead, Host, Literal, Path, Secure, Sni
from .conditions import Conj
from .paths import EVERY, By, Paths, both
from .said import Inexpressible

TOO_MANY = f"A route has {MANY_CONDITIONS} conditions at most."
SCHEME = "X-Forwarded-Proto"  # which the service sets itself


@dataclass(frozen=True, slots=True)
class Facts:
    """`secure`: None where both ways in are meant."""

    host: str
    paths: Paths = EVERY
    asks: tuple[Condition, ...] = ()
    secure: bool | None = None

    @property
    def conditions(self) -> list[dict[str, object]]:
        found = list(self.asks)
        if self.secure is not None:
            found.insert(0, Condition(On.HEADER, Op.EQUALS, SCHEME, "https" if self.secure else "http"))
        if len(found) > MANY_CONDITIONS:
            raise Inexpressible(TOO_MANY)
        return [_written(one) for one in found]

    def cut(self, paths: Paths) -> "Facts | None":
        """Those whose path is one of these; None: there are none."""
        left = both(self.paths, paths)
        return replace(self, paths=left) if left else None


def _written(one: Condition) -> dict[str, object]:
    bare = one.type in (On.METHOD, On.SOURCE)
    found: dict[str, object] = {"type": one.type.value}
    found |= {} if bare else {"name": one.name, "op": one.op.value}
    found |= {"value": one.value} if one.value else {}
    return {**found, "negate": True} if one.negate else found


def narrowed(facts: Facts, conj: Conj) -> tuple[Facts, list[Paths]] | None:
    """With all of its literals, and the paths that are left out of it. None: no request is so."""
    found, without = facts, list[Paths]()
    for literal in conj:
        atom, holds = literal
        if isinstance(atom, Path) and not holds:
            without.append(atom.paths)
            continue
        after = _with(found, literal)
        if after is None:
            return None
        found = after
    kept = []
    for paths in without:
        left = both(found.paths, paths)
        if left == found.paths:
            return None
        if left:
            kept.append(left)
    return found, kept


def _with(facts: Facts, literal: Literal) -> Facts | None:
    atom, holds = literal
    match atom:
        case Always():
            return facts if holds else None
        case Host():
            return facts if takes(atom, facts.host) is holds else None
        case Secure():
            if facts.secure is not None and facts.secure is not holds:
                return None
            return replace(facts, secure=holds)
        case Path(paths):
            return facts.cut(paths)
        case Ask(condition):
            return _asked(facts, condition, holds=holds)
        case Sni():
            raise Inexpressible("Routes go by the Host of a request, and not by the name in TLS.")
        case Dead():
            raise Inexpressible("Who takes over while a pool has nobody left is said of that pool alone.")
    raise AssertionError(atom)


def _asked(facts: Facts, condition: Condition, *, holds: bool) -> Facts | None:
    if replace(condition, negate=holds) in facts.asks:
        return None
    wanted = replace(condition, negate=not holds)
    if wanted in facts.asks:
        return facts
    if len(facts.asks) >= MANY_CONDITIONS:
        raise Inexpressible(TOO_MANY)
    return replace(facts, asks=(*facts.asks, wanted))


def takes(atom: Host, site: str) -> bool:
    """Of a host that is exact or `*.rest`: there exact hosts are sites of their own."""
    if not site.startswith("*."):
        return atom.takes(site)
    rest, value = site[1:], atom.value.lower()
    if atom.by is By.EXACT:
        return False
    if atom.by is By.END and (rest.endswith(value) or not value.endswith(rest) or value.startswith(".")):
        return rest.endswith(value)
    if atom.by is By.PART and value in rest:
        return True
    raise Inexpressible(f"Of the names under {site} some would fit and others not; name the hosts.")


def sites_of(atom: Host) -> tuple[str, ...]:
    """The hosts that it names; none where it only compares."""
    value = atom.value.lower().rstrip(".")
    if atom.by is By.EXACT:
        return (value.partition(":")[0],)
    if atom.by is By.END and value.count(".") > (1 if value.startswith(".") else 0):
        return (f"*{value}",) if value.startswith(".") else (value, f"*.{value}")
    return ()
