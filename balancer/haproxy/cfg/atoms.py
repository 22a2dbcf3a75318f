"""What one test of an ACL asks: a host, a path, who asks and with what. Raise `Inexpressible` for all else."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network

from balancer.haproxy.regex import BadRegex, check
from balancer.haproxy.regex_match import matches
from balancer.haproxy.routing import FORBIDDEN_REQUEST_HEADERS, MANY_LISTED, Condition, On, Op, forbidden
from balancer.haproxy.text import Unprintable, http_method, name, quoted

from . import paths
from .criteria import Test
from .paths import By, Paths
from .said import Inexpressible, NoRegex

OWN_HEADER = "The service sets the header {name} itself, after what the client sent is taken away."
# They tell a hop what to do, and may be asked about.
ASKED = frozenset({"connection", "te", "upgrade", "expect", "content-length", "transfer-encoding", "host"})


@dataclass(frozen=True, slots=True)
class Host:
    """By the Host header, whose port and case mean nothing here."""

    by: By
    value: str

    def takes(self, host: str) -> bool:
        """Of an exact host."""
        if self.by is By.REGEX:
            return matches(self.value, host.encode())
        value = self.value.lower().rstrip(".")
        if self.by is By.EXACT:
            return host == value
        if self.by is By.BEGIN:
            return host.startswith(value)
        return host.endswith(value) if self.by is By.END else value in host


@dataclass(frozen=True, slots=True)
class Path:
    paths: Paths


@dataclass(frozen=True, slots=True)
class Ask:
    condition: Condition


@dataclass(frozen=True, slots=True)
class Secure:
    """Whether the client came by TLS."""


@dataclass(frozen=True, slots=True)
class Always:
    """Of every request. Its negation: of none."""


@dataclass(frozen=True, slots=True)
class Dead:
    """Whether nobody of the pool can answer."""

    pool: str


@dataclass(frozen=True, slots=True)
class Sni:
    """The name in a TLS hello that is not ended here: exact, or `*.rest`."""

    host: str


Atom = Host | Path | Ask | Secure | Always | Dead | Sni
Literal = tuple[Atom, bool]  # and whether it shall hold
OPS = {By.EXACT: Op.EQUALS, By.BEGIN: Op.PREFIX, By.END: Op.SUFFIX, By.PART: Op.CONTAINS, By.REGEX: Op.REGEX}
KEYED = {"req.hdr": On.HEADER, "req.cook": On.COOKIE, "url_param": On.QUERY}
EMPTY = re.compile(r"(gt 0|ge 1)|(eq 0|lt 1|le 0)")


def of(test: Test) -> tuple[Literal, ...]:
    """Any of them has to hold. Raise `Inexpressible`."""
    if test.fetch in ("always_true", "always_false"):
        return ((Always(), test.fetch == "always_true"),)
    if test.fetch == "req.hdr" and test.argument.lower() == "host":
        return _host(test)
    special: dict[str, Callable[[Test], tuple[Literal, ...]]] = {
        "path": _path, "method": _method, "src": _source, "ssl_fc": _secure, "nbsrv": _alive,
        "req.ssl_sni": _sni, "req.ssl_hello_type": _hello,
    }  # fmt: skip
    if test.fetch in special:
        return special[test.fetch](test)
    kind = KEYED.get(test.fetch.removesuffix("_cnt"))
    if kind is not None and test.argument:
        return _keyed(kind, test)
    raise Inexpressible(f"Routes have no condition on {test.fetch}.")


def _by(test: Test) -> By:
    try:
        return By(test.match or "str")
    except ValueError as error:
        raise Inexpressible(f"Routes do not compare by {test.match}.") from error


def _host(test: Test) -> tuple[Literal, ...]:
    by = _by(test)
    if not test.values:
        raise Inexpressible("It compares with nothing.")
    for value in test.values:
        if by is By.REGEX:
            _regex(value)
    if by is By.REGEX and test.fold:
        return tuple((Host(by, paths.either_case(value)), True) for value in test.values)
    return tuple((Host(by, value), True) for value in test.values)


def _path(test: Test) -> tuple[Literal, ...]:
    if test.match == "dir":
        return ((Path(paths.of(By.REGEX, tuple(map(paths.dir_of, test.values)), fold=False)), True),)
    return ((Path(paths.of(_by(test), test.values, fold=test.fold)), True),)


def _method(test: Test) -> tuple[Literal, ...]:
    if _by(test) is not By.EXACT or not 0 < len(test.values) <= MANY_LISTED:
        raise Inexpressible("Methods are compared as a list of names.")
    return ((_ask(Condition(On.METHOD, Op.EQUALS, "", ",".join(test.values))), True),)


def _source(test: Test) -> tuple[Literal, ...]:
    found = []
    for value in test.values:
        try:
            found.append(str(ip_network(value, strict=False)))
        except ValueError as error:
            raise Inexpressible("Who asks is compared with networks, like 10.0.0.0/8.") from error
    lists = [found[at : at + MANY_LISTED] for at in range(0, len(found), MANY_LISTED)]
    return tuple((_ask(Condition(On.SOURCE, Op.EQUALS, "", ",".join(one))), True) for one in lists)


def _sni(test: Test) -> tuple[Literal, ...]:
    if _by(test) is By.END:
        if not all(value.startswith(".") for value in test.values):
            raise Inexpressible("The end of a name begins with a dot, for one label before it.")
        return tuple((Sni(f"*{value.lower()}"), True) for value in test.values)
    if _by(test) is not By.EXACT or not test.values:
        raise Inexpressible("Names are compared whole, or by their end.")
    return tuple((Sni(value.lower()), True) for value in test.values)


def _hello(test: Test) -> tuple[Literal, ...]:
    return ((Always(), True),)


def _secure(test: Test) -> tuple[Literal, ...]:
    if test.values not in ((), ("1",), ("0",), ("true",), ("false",)):
        raise Inexpressible("Whether TLS was used is yes or no.")
    return ((Secure(), test.values not in (("0",), ("false",))),)


def _alive(test: Test) -> tuple[Literal, ...]:
    found = EMPTY.fullmatch(" ".join(test.values))
    if found is None or not test.argument:
        raise Inexpressible("Only whether a pool has anybody left can be asked: nbsrv(pool) lt 1.")
    return ((Dead(test.argument), bool(found[2])),)


def _keyed(kind: On, test: Test) -> tuple[Literal, ...]:
    key = test.argument
    if kind is On.HEADER and key.lower() == "x-forwarded-proto" and len(test.values) == 1 and not test.match:
        return ((Secure(), test.values[0].lower() == "https"),)
    if kind is On.HEADER and key.lower() not in ASKED and forbidden(key, FORBIDDEN_REQUEST_HEADERS):
        raise Inexpressible(OWN_HEADER.format(name=key))
    counted = EMPTY.fullmatch(" ".join(test.values)) if test.fetch.endswith("_cnt") else None
    if counted is not None or test.match == "found" or (test.fetch.endswith("_cnt") and not test.values):
        holds = counted is None or bool(counted[1])
        return ((_ask(Condition(kind, Op.PRESENT, key)), holds),)
    if test.fetch.endswith("_cnt") or not test.values:
        raise Inexpressible("How many there are is only asked as none or some.")
    by = _by(test)
    return tuple((_ask(_compared(kind, key, by, value, fold=test.fold)), True) for value in test.values)


def _compared(kind: On, key: str, by: By, value: str, *, fold: bool) -> Condition:
    if by is By.REGEX:
        return Condition(kind, Op.REGEX, key, paths.either_case(value) if fold else _regex(value))
    if fold and any(one.isalpha() for one in value):
        start = "^" if by in (By.EXACT, By.BEGIN) else ""
        end = "$" if by in (By.EXACT, By.END) else ""
        return Condition(kind, Op.REGEX, key, _regex(f"{start}{paths.literal(value, fold=True)}{end}"))
    return Condition(kind, OPS[by], key, value)


def _regex(value: str) -> str:
    try:
        return check(value)
    except BadRegex as error:
        raise NoRegex(str(error)) from error


def _ask(condition: Condition) -> Ask:
    """As a node would read it."""
    try:
        if condition.type is On.METHOD:
            for one in condition.value.split(","):
                http_method(one)
        elif condition.type is not On.SOURCE:
            name(condition.name)
            quoted(condition.value)
    except Unprintable as error:
        raise Inexpressible("Its name or its value has characters that a condition cannot have.") from error
    if condition.op is not Op.PRESENT and not condition.value:
        raise Inexpressible("It compares with nothing.")
    return Ask(condition)
