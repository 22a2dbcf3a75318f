"""`use_backend %[req.hdr(host),lower,map(hosts.map,other)]`: who gets the request is looked up by its host in a file.

The file's text was sent along. Each of its entries is asked as a rule of its own; what is not in it, or leads to a
backend that there is not, goes to the default backend, and rules after this one are not asked (2.6: its
`process_switching_rules` leaves the loop where a name that is made from the request is nobody's).
"""

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

from . import criteria, said
from .atoms import Host
from .conditions import EVER, Acl, When, read
from .paths import By
from .said import Inexpressible

LOOKED_UP = re.compile(r"%\[(.+),map(\w*)\(([^,()]+)(?:,([^,()]+))?\)\]")
MOST = 100  # entries; each is a host
ONLY_HOSTS = "Of maps, those from hosts to backends can be carried: use_backend %[req.hdr(host),lower,map(file)]."
NO_OTHER = "What is not in the map goes nowhere, and rules after it are never asked: give it a default_backend."
Files = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LookedUp:
    """`entries`: host → what the file says. `other`: of hosts that are not in it, "" where that is left open."""

    criterion: str
    entries: tuple[tuple[str, str], ...]
    other: str


@dataclass(frozen=True, slots=True)
class Sent:
    """To `pool` when it holds; None: to the default backend."""

    when: When
    pool: str | None


def looked_up(word: str, files: Files) -> LookedUp | None:
    """None: it is no look-up in a map. Raise `Inexpressible`."""
    found = LOOKED_UP.fullmatch(word)
    if found is None:
        return None
    of, how, name, other = found.groups()
    try:
        asked = criteria.read((of,))
    except Inexpressible as error:
        raise Inexpressible(ONLY_HOSTS) from error
    if asked.fetch != "req.hdr" or asked.argument.lower() != "host" or asked.match or how not in ("", "_str"):
        raise Inexpressible(ONLY_HOSTS)
    text = files.get(name, files.get(name.rpartition("/")[2]))
    if text is None:
        raise Inexpressible(said.NO_FILE)
    return LookedUp(f"{of},map{how}({name})", tuple(_entries(text, lower=",lower" in of).items()), other or "")


def _entries(text: str, *, lower: bool) -> dict[str, str]:
    """The first of a host counts. A key with capitals is never met in lower case."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.strip().partition(" ") if "\t" not in line else line.strip().partition("\t")
        if not key or key.startswith("#"):
            continue
        if not value.strip():
            raise Inexpressible(f"The map has no value for {key[:80]}.")
        if key != key.lower():
            if lower:
                continue
            raise Inexpressible("The map's hosts have capital letters, which are compared as they are: add lower.")
        found.setdefault(key, value.strip())
    if len(found) > MOST:
        raise Inexpressible(f"The map has more than {MOST} hosts; import it in parts.")
    return found


def sent(
    found: LookedUp, condition: tuple[str, ...], acls: Mapping[str, Acl], pools: Set[str], *, last: bool
) -> Iterator[Sent]:
    """In their order. `last`: no rule stands after it, and there is no default backend."""
    if condition == ("if", "{", found.criterion, "-m", "found", "}"):
        when, whole = EVER, True
    else:
        when, whole = read(condition, acls), False
    for host, pool in found.entries:
        here = When(tuple((*conj, (Host(By.EXACT, host), True)) for conj in when.conjs), when.lines)
        yield Sent(here, pool if pool in pools else None)
    if whole:
        return  # who is not in it goes on to the next rule
    if found.other in pools:
        yield Sent(when, found.other)
    elif not last:
        yield Sent(when, None)
