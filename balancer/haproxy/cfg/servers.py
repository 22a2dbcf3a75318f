"""`server` and `default-server` lines: an address that answers, and what its words say of the whole pool."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from .said import NAMES, Inexpressible
from .values import time, whole

HOUR_MS = 3_600_000
# Whole, with a dot in it, and no number at its end: which is what is looked up.
NAME = re.compile(
    r"(?=.{4,253}$)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?"
)
# Word → how many follow it, of those that need nothing here.
NOTHING_LOST = {
    "id": 1, "guid": 1, "init-addr": 1, "resolvers": 1, "resolve-prefer": 1, "resolve-opts": 1, "on-marked-down": 1,
    "on-marked-up": 1, "pool-max-conn": 1, "pool-purge-delay": 1, "pool-low-conn": 1, "max-reuse": 1, "log-proto": 1,
    "tfo": 0, "ssl-reuse": 0, "no-ssl-reuse": 0, "tls-tickets": 0, "no-tls-tickets": 0, "ws": 1, "enabled": 0,
    "no-check": 0, "no-ssl": 0, "no-backup": 0, "no-verifyhost": 0, "non-stick": 0, "ssl-min-ver": 1, "ssl-max-ver": 1,
    "force-tlsv12": 0, "force-tlsv13": 0, "no-sslv3": 0, "no-tlsv10": 0, "no-tlsv11": 0, "ciphers": 1,
    "ciphersuites": 1, "check-reuse-pool": 0, "fastinter": 1, "downinter": 1, "check-alpn": 1, "check-ssl": 0,
    "check-sni": 1, "check-send-proxy": 0, "tcp-ut": 1, "error-limit": 1, "on-error": 1,
}  # fmt: skip


@dataclass(slots=True)
class Words:
    """What the words of one line say: `own` of the address, `pool` of all of them. `left`: words without effect
    here."""

    own: dict[str, Any] = field(default_factory=dict)
    pool: dict[str, Any] = field(default_factory=dict)
    check: dict[str, Any] = field(default_factory=dict)
    tls: dict[str, Any] = field(default_factory=dict)
    checked: bool = False
    cookie: bool = False
    left: list[str] = field(default_factory=list)

    def over(self, other: "Words") -> "Words":
        """These, and what they do not say from the other ones."""
        return Words(
            {**other.own, **self.own}, {**other.pool, **self.pool}, {**other.check, **self.check},
            {**other.tls, **self.tls}, self.checked or other.checked, self.cookie or other.cookie,
            [*other.left, *self.left],
        )  # fmt: skip


def address(text: str) -> str:
    """`10.0.0.5:80` as it is written, `::1:80` with brackets, a whole name. Raise `Inexpressible`."""
    for start in ("ipv4@", "ipv6@"):
        text = text.removeprefix(start)
    if "@" in text or text.startswith(("/", "*")) or text[:1] in ("", ":"):
        raise Inexpressible("Only addresses with a port can be carried: no sockets, and nothing that the client says.")
    host, colon, port = text.rpartition(":")
    if text.startswith("[") and "]:" not in text:
        host, colon, port = text, "", ""
    if not colon or not port or (":" in host and not _ip(host.strip("[]"))):
        raise Inexpressible("The address has no port: write the one that the server listens on.")
    whole(port, least=1, most=65535, what="A port")
    bare = host.strip("[]")
    if not _ip(bare) and not NAME.fullmatch(bare):
        raise Inexpressible(NAMES.format(host=bare[:80]))
    return f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"


def _ip(text: str) -> bool:
    try:
        return bool(ip_address(text)) and "%" not in text
    except ValueError:
        return False


def read(words: tuple[str, ...]) -> Words:
    """After the address, or after `default-server`. Raise `Inexpressible`."""
    found, rest = Words(), list(words)
    while rest:
        word = rest.pop(0)
        if word in NOTHING_LOST:
            rest = rest[NOTHING_LOST[word] :]
            found.left.append(word)
        elif word in PLAIN:
            PLAIN[word](found)
        elif word in VALUED:
            if not rest:
                raise Inexpressible(f"The word {word} needs a value.")
            VALUED[word](found, rest.pop(0))
        else:
            raise Inexpressible(f"The word {word[:40]} cannot be carried.")
    return found


def _put(part: str, name: str, value: Any) -> Callable[[Words], None]:
    return lambda found: getattr(found, part).__setitem__(name, value)


def _number(part: str, name: str, least: int, most: int) -> Callable[[Words, str], None]:
    what = f"The value of {name.replace('_', ' ')}"
    return lambda found, text: getattr(found, part).__setitem__(name, whole(text, least=least, most=most, what=what))


def _time(part: str, name: str, least: int, most: int) -> Callable[[Words, str], None]:
    return lambda found, text: getattr(found, part).__setitem__(name, time(text, least=least, most=most))


def _check(found: Words) -> None:
    found.checked = True


def _ssl(found: Words) -> None:
    found.tls["enabled"] = True


def _verify(found: Words, text: str) -> None:
    found.tls["verify"] = text != "none"


def _ca(found: Words, text: str) -> None:
    found.left.append("ca-file (the nodes' own authorities are asked; give yours to the pool)")


def _sni(found: Words, text: str) -> None:
    if text.startswith("str(") and text.endswith(")"):
        found.tls["sni"] = text[4:-1].strip("\"'")
    elif text.replace(" ", "") in ("req.hdr(host)", "hdr(host)", "ssl_fc_sni", "req.hdr(Host)", "hdr(Host)"):
        found.tls["sni"] = None
    else:
        raise Inexpressible("The name for TLS is a fixed one, or the host that the client asked for.")


def _alpn(found: Words, text: str) -> None:
    found.pool["http2"] = "h2" in text.split(",")


def _cookie(found: Words, text: str) -> None:
    found.cookie = True


def _observe(found: Words, text: str) -> None:
    found.pool["error_limit"] = 10


PLAIN: dict[str, Callable[[Words], None]] = {
    "check": _check,
    "ssl": _ssl,
    "backup": _put("own", "backup", True),
    "disabled": _put("own", "admin", "maint"),
    "send-proxy": _put("pool", "proxy_protocol", "v1"),
    "send-proxy-v2": _put("pool", "proxy_protocol", "v2"),
}
VALUED: dict[str, Callable[[Words, str], None]] = {
    "weight": _number("own", "weight", 0, 256),
    "maxconn": _number("own", "max_connections", 1, 1_000_000),
    "port": _number("own", "check_port", 1, 65535),
    "maxqueue": _number("pool", "max_queue", 1, 1_000_000),
    "slowstart": _time("pool", "slow_start", 100, HOUR_MS),
    "inter": _time("check", "interval", 100, HOUR_MS),
    "rise": _number("check", "rise", 1, 100),
    "fall": _number("check", "fall", 1, 100),
    "verify": _verify,
    "ca-file": _ca,
    "sni": _sni,
    "alpn": _alpn,
    "proto": _alpn,
    "cookie": _cookie,
    "observe": _observe,
}
