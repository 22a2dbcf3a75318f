"""A `backend`, or the half of a `listen` that is one, as a pool with its backends: the shape that a document has."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import servers
from .checks import CHECKS, http_check, httpchk
from .lines import Line
from .said import USE_SERVER, Inexpressible, Kept
from .servers import HOUR_MS, Words
from .values import time, whole

ALGORITHMS = {
    "roundrobin": "round_robin", "static-rr": "round_robin", "leastconn": "least_conn", "source": "ip_hash",
    "uri": "uri_hash", "random": "random", "first": "first",
}  # fmt: skip
HASHED = re.compile(r"hdr\(([A-Za-z0-9_.-]{1,64})\)")
REPEATED = {"server", "default-server", "http-check"}  # each time it stands it says something more
COOKIE_KINDS = {"insert": "cookie", "prefix": "app_cookie"}
COOKIE_WORDS = {"indirect", "nocache", "postonly", "httponly", "secure", "preserve", "dynamic"}
RETRY = {"empty-response": "empty_response", "response-timeout": "response_timeout", "502": "502", "503": "503",
         "504": "504"}  # fmt: skip


@dataclass(slots=True)
class Draft:
    """A pool to be. `lines`: number → where it stands in the document, of those that made something."""

    name: str
    mode: str
    fields: dict[str, Any] = field(default_factory=dict)
    check: dict[str, Any] = field(default_factory=dict)
    timeouts: dict[str, str] = field(default_factory=dict)
    sticky: dict[str, Any] = field(default_factory=dict)
    tls: dict[str, Any] = field(default_factory=dict)
    servers: list[dict[str, Any]] = field(default_factory=list)
    addresses: set[str] = field(default_factory=set)
    usual: Words = field(default_factory=Words)
    asked: str = "tcp"
    table: str | None = None
    said: dict[int, str] = field(default_factory=dict)  # what there is to say beside that it was taken
    checked: int = 0
    cookies: int = 0
    weighs: bool = False

    def document(self) -> dict[str, Any]:
        """As the API shows a pool, with what was not said left out."""
        kind = self.asked if self.checked else "none"
        kind = "tcp" if kind == "http" and self.mode == "tcp" else kind
        check = {"type": kind, **({} if kind == "none" else self._check(kind))}
        sticky = self.sticky if self.cookies or self.sticky.get("type") == "source" else {}
        parts = {"timeouts": self.timeouts, "sticky": sticky, "tls": self.tls}
        return {
            "name": self.name, **({"mode": "tcp"} if self.mode == "tcp" else {}), **self.fields, "health_check": check,
            **{name: part for name, part in parts.items() if part},
            "backends": [self._weighed(one) for one in self.servers],
        }  # fmt: skip

    def _check(self, kind: str) -> dict[str, Any]:
        usual = {"interval": "2s", "rise": 2, "fall": 3}
        http = {"method": "OPTIONS", "path": "/"} if kind == "http" else {}
        own = {name: value for name, value in self.check.items() if kind == "http" or name in (*usual, "timeout")}
        return {**usual, **http, **own}

    def _weighed(self, server: dict[str, Any]) -> dict[str, Any]:
        """HAProxy's own weight is 1; where nobody has one, all have ours."""
        return {"weight": 1, **server} if self.weighs else server


def take(draft: Draft, line: Line) -> bool:
    """Whether it is a line of a pool's. Raise `Inexpressible` or `Kept`."""
    words = line.words
    two = " ".join(words[:2]) if words[0] in ("option", "timeout", "http-check", "stick") else ""
    act = TAKEN.get(two) or TAKEN.get(words[0])
    if act is None:
        if words[0] == "use-server":
            raise Inexpressible(USE_SERVER)
        return False
    act(draft, line)
    return True


def _mode(draft: Draft, line: Line) -> None:
    draft.mode = _first(line)


def _balance(draft: Draft, line: Line) -> None:
    word = line.words[1] if len(line.words) > 1 else "roundrobin"
    hashed = HASHED.fullmatch(word)
    if hashed:
        draft.fields |= {"algorithm": "header_hash", "hash_header": hashed[1]}
    elif word.partition("(")[0] in ALGORITHMS:
        draft.fields["algorithm"] = ALGORITHMS[word.partition("(")[0]]
        draft.fields.pop("hash_header", None)
        if len(line.words) > 2:
            draft.said[line.number] = f"Without “{' '.join(line.words[2:])[:80]}”."
    else:
        raise Inexpressible(f"Pools do not choose by {word[:40]}.")


def _timeout(name: str) -> Callable[[Draft, Line], None]:
    def take_it(draft: Draft, line: Line) -> None:
        draft.timeouts[name] = time(_second(line))

    return take_it


def _second(line: Line) -> str:
    if len(line.words) < 3:
        raise Inexpressible("It has no value.")
    return line.words[2]


def _timeout_check(draft: Draft, line: Line) -> None:
    draft.check["timeout"] = time(_second(line), most=HOUR_MS)


def _retries(draft: Draft, line: Line) -> None:
    draft.fields["retries"] = whole(_first(line), least=0, most=10, what="Retries")


def _first(line: Line) -> str:
    if len(line.words) < 2:
        raise Inexpressible("It has no value.")
    return line.words[1]


def _retry_on(draft: Draft, line: Line) -> None:
    draft.fields["retry_on"] = [RETRY[word] for word in line.words[1:] if word in RETRY]
    left = [word for word in line.words[1:] if word not in RETRY and word != "conn-failure"]
    if left:
        draft.said[line.number] = f"Without {', '.join(left)[:80]}."


def _cookie(draft: Draft, line: Line) -> None:
    kind = next((COOKIE_KINDS[word] for word in line.words[2:] if word in COOKIE_KINDS), None)
    if kind is None:
        raise Inexpressible("A cookie is the service's own (insert) or goes before the application's (prefix).")
    draft.sticky = {"type": kind, "cookie_name": _first(line)}
    words = list(line.words)
    if "maxidle" in words[2:-1]:
        draft.sticky["ttl"] = time(words[words.index("maxidle") + 1] + "s", least=1000, most=365 * 86_400_000)
    draft.said[line.number] = "Its values are made anew, and say nothing of a server: clients are given one once more."


def _stick_table(draft: Draft, line: Line) -> None:
    words = list(line.words)
    draft.table = ""
    if "type" not in words[:-1] or words[words.index("type") + 1] not in ("ip", "ipv6"):
        raise Kept("It remembers something else than addresses; nothing here reads it.")
    if "expire" in words[:-1]:
        draft.table = time(words[words.index("expire") + 1], least=1000, most=365 * 86_400_000)


def _stick_on(draft: Draft, line: Line) -> None:
    if line.words[2:] != ("src",):
        raise Inexpressible("Clients stay by a cookie or by their address; nothing else can be remembered.")
    draft.sticky = {"type": "source", **({"ttl": draft.table} if draft.table else {})}


def _default_server(draft: Draft, line: Line) -> None:
    draft.usual = servers.read(line.words[1:]).over(draft.usual)


def _server(draft: Draft, line: Line) -> None:
    if len(line.words) < 3:
        raise Inexpressible("A server has a name and an address.")
    address = servers.address(line.words[2])
    words = servers.read(line.words[3:]).over(draft.usual)
    if draft.mode == "tcp" and (words.tls or words.pool.keys() - {"slow_start", "proxy_protocol"}):
        raise Inexpressible("A pool in mode tcp passes bytes on: it has no TLS of its own, no queue and no HTTP/2.")
    if address in draft.addresses:
        raise Inexpressible("The pool has this address already.")
    draft.addresses.add(address)
    draft.servers.append({"address": address, "description": f"server {line.words[1]}"[:80], **words.own})
    draft.weighs |= "weight" in words.own
    draft.checked += words.checked
    draft.cookies += words.cookie
    said = [f"Without {', '.join(words.left)}." if words.left else "", *_of_the_pool(draft, words)]
    draft.said[line.number] = " ".join(one for one in said if one)


def _of_the_pool(draft: Draft, words: Words) -> list[str]:
    """What one line says of all; the first that says it is right."""
    found = []
    for own, said in ((draft.fields, words.pool), (draft.tls, words.tls), (draft.check, words.check)):
        for name, value in said.items():
            if own.setdefault(name, value) != value:
                found.append(f"The pool's {name.replace('_', ' ')} is {own[name]}, as its first server has it.")
    return found


TAKEN: dict[str, Callable[[Draft, Line], None]] = {
    "mode": _mode,
    "balance": _balance,
    "timeout connect": _timeout("connect"),
    "timeout server": _timeout("server"),
    "timeout queue": _timeout("queue"),
    "timeout check": _timeout_check,
    "retries": _retries,
    "retry-on": _retry_on,
    "cookie": _cookie,
    "stick-table": _stick_table,
    "stick on": _stick_on,
    "default-server": _default_server,
    "server": _server,
    "option httpchk": httpchk,
    "http-check send": http_check,
    "http-check expect": http_check,
    **dict.fromkeys((f"option {name}" for name in CHECKS), lambda draft, line: _other_check(draft, line)),
}


def _other_check(draft: Draft, line: Line) -> None:
    kind = CHECKS[line.words[1]]
    draft.asked = kind
    if line.words[1] not in ("tcp-check", "ssl-hello-chk"):
        draft.said[line.number] = "Whether the port answers is asked, and nothing of its protocol."
