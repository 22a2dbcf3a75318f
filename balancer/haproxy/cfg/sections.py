"""A configuration as sections of lines. Every line of the text is in it exactly once, in its place."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from .lines import Line, read

TEXT_MAX = 512 * 1024  # bytes
LINES_MAX = 5000
NAME_MAX = 80


class Unreadable(ValueError):
    """The text as a whole is not taken; a sentence says why."""


class Kind(StrEnum):
    GLOBAL = "global"
    DEFAULTS = "defaults"
    FRONTEND = "frontend"
    POOL = "backend"
    LISTEN = "listen"
    OTHER = "other"  # peers, resolvers, userlist, …


# What begins a section (configuration.txt 2.1: valid everywhere, and never anything else).
OTHERS = frozenset({
    "peers", "resolvers", "mailers", "userlist", "program", "ring", "log-forward", "cache", "http-errors", "fcgi-app",
    "crt-store", "traces", "acme", "log-profile", "dynamic-update",
})  # fmt: skip
HEADS = {kind.value: kind for kind in Kind if kind is not Kind.OTHER} | dict.fromkeys(OTHERS, Kind.OTHER)


@dataclass(slots=True)
class Section:
    """`word` is what it begins with; `based` the name of the `defaults` section that it is made from, or none."""

    kind: Kind
    word: str
    name: str
    head: Line
    based: str = ""
    lines: list[Line] = field(default_factory=list)

    @property
    def every(self) -> Iterator[Line]:
        yield self.head
        yield from self.lines

    @property
    def called(self) -> str:
        return f"{self.word} {self.name}".rstrip()


@dataclass(slots=True)
class Text:
    """`loose`: empty lines and comments before the first section, and what stands where no section is."""

    lines: list[Line]
    sections: list[Section]
    loose: list[Line]


def read_text(text: str) -> Text:
    """Raise `Unreadable`. The work grows with the text's length alone."""
    if len(text) > TEXT_MAX or len(text.encode(errors="replace")) > TEXT_MAX:
        raise Unreadable(f"The file is larger than {TEXT_MAX // 1024} KiB; import it in parts.")
    if "\x00" in text:
        raise Unreadable("This is no text: it has a NUL byte.")
    raw = text.replace("\r\n", "\n").split("\n")
    if raw and not raw[-1]:
        raw.pop()  # what ends the last line begins no other
    if len(raw) > LINES_MAX:
        raise Unreadable(f"The file has more than {LINES_MAX:,} lines; import it in parts.")
    found = Text([read(number, line) for number, line in enumerate(raw, 1)], [], [])
    if not any(line.words for line in found.lines):
        raise Unreadable("There is nothing in it: no line of it is a directive.")
    for line in found.lines:
        head = HEADS.get(line.words[0]) if line.words else None
        if head is not None:
            found.sections.append(_section(head, line))
        elif found.sections:
            found.sections[-1].lines.append(line)
        else:
            found.loose.append(line)
    return found


def _section(kind: Kind, line: Line) -> Section:
    rest = list(line.words[1:])
    based = ""
    if "from" in rest[:2]:
        at = rest.index("from")
        based = rest[at + 1] if len(rest) > at + 1 else ""
        rest = rest[:at]
    return Section(kind, line.words[0], rest[0][:NAME_MAX] if rest else "", line, based)
