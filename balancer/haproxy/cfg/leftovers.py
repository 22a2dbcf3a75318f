"""Lines that no object came of: what is to say of each."""

from collections.abc import Mapping

from . import pools, proxies, said
from .fates import Ledger
from .lines import Line
from .proxies import Proxy
from .sections import Kind, Section, Text


def plain(text: Text, ledger: Ledger) -> None:
    """What is said of lines whatever stands around them. Conditional blocks are taken out of their sections."""
    depth = 0
    dropped: set[int] = set()
    for line in text.lines:
        if line.problem:
            ledger.refused(line.number, line.problem)
        elif not line.words:
            ledger.note(line.number, said.COMMENT if line.text.strip() else said.EMPTY)
        elif line.words[0] in (".if", ".elif", ".else", ".endif") or depth:
            depth += {".if": 1, ".endif": -1}.get(line.words[0], 0)
            depth = max(depth, 0)
            dropped.add(line.number)
            ledger.refused(line.number, said.CONDITIONAL)
        elif line.words[0] in (".notice", ".warning", ".alert", ".diag"):
            ledger.note(line.number, said.COMMENT)
    for line in text.loose:
        if line.words:
            ledger.refused(line.number, "It stands in no section.")
    for section in text.sections:
        section.lines[:] = [line for line in section.lines if line.number not in dropped]


def rest(text: Text, found: list[Proxy], ledger: Ledger) -> None:
    """Lines that nothing came of: rules that nobody reaches, ACLs that nobody asks, and what needs nothing."""
    for proxy in found:
        asked = {word.lstrip("!") for line in proxy.own if line.words[0] != "acl" for word in line.words}
        for line in proxy.own:
            if line.words[0] == "mode" and proxy.section.kind is Kind.FRONTEND:
                ledger.managed(line.number, proxy.section.called)
            if line.words[0] == "acl" and len(line.words) > 1:
                _acl(proxy, line, asked, ledger)
            elif line.words[0] in proxies.RULES:
                ledger.note(line.number, said.NEVER)
        if proxy.has("stats", "enable") and all(line.words[0] != "server" for line in proxy.own):
            for line in proxy.section.every:
                ledger.note(line.number, said.STATS)
    for section in text.sections:
        _head(section, ledger)
        last = {_key(line): line for line in section.lines}
        for line in section.lines:
            if line.number in ledger.fates or not line.words:
                continue
            if section.kind in (Kind.GLOBAL, Kind.OTHER):
                ledger.note(line.number, said.GLOBAL if section.kind is Kind.GLOBAL else said.OTHER)
            elif section.kind is Kind.DEFAULTS and line.words[0] in proxies.RULES - {"compression"}:
                ledger.refused(line.number, said.RULES_IN_DEFAULTS)
            elif section.kind is Kind.DEFAULTS and _known(line):
                ledger.note(line.number, said.DEFAULTS)
            elif _overridden(line, last):
                ledger.note(line.number, said.OVERRIDDEN)
            else:
                proxies.noted(line, ledger)


def _known(line: Line) -> bool:
    return " ".join(line.words[:2]) in pools.TAKEN or line.words[0] in pools.TAKEN


def _key(line: Line) -> tuple[str, ...]:
    return line.words[:2] if line.words[:1] in (("option",), ("timeout",)) else line.words[:1]


def _overridden(line: Line, last: Mapping[tuple[str, ...], Line]) -> bool:
    """`last`: the line of its section that says something last, by what that is."""
    return last[_key(line)] is not line and _known(line) and line.words[0] not in pools.REPEATED


def _head(section: Section, ledger: Ledger) -> None:
    why = {Kind.GLOBAL: said.GLOBAL, Kind.OTHER: said.OTHER, Kind.DEFAULTS: said.DEFAULTS}
    ledger.note(section.head.number, why.get(section.kind, "Nothing came of this section."))


def _acl(proxy: Proxy, line: Line, asked: set[str], ledger: Ledger) -> None:
    acl = proxy.acls.get(line.words[1])
    if acl is not None and acl.problem and line.words[1] in asked:
        ledger.refused(line.number, acl.problem)
    else:
        ledger.note(line.number, said.UNUSED_ACL)
