"""The regular expressions that a tenant may write: a subset that RE2 and PCRE2 read alike, and that is never slow.

Literals, `.`, classes, groups, `|`, `^`, `$`, `* + ? {m,n}`; no backreferences, no look-around, no lazy forms. What a
value of `SUBJECT_MAX` bytes can cost PCRE2 is bounded here (measured on 2.6.12: `a*a*a*[bc]$` takes 240 ms of a
thread for one header of 8,000 bytes): of repeats that could take the same characters at most two follow each other.
`regex_match` asks such a pattern without HAProxy.
"""

from dataclasses import dataclass
from functools import lru_cache

from .regex_nodes import (
    ALL,
    ANY,
    SETS,
    BadRegex,
    Chars,
    Edge,
    Either,
    Node,
    Repeat,
    Sequence,
    anchored,
    bits,
    inside,
    size,
    span,
    weigh,
)

__all__ = ["SUBJECT_MAX", "BadRegex", "Pattern", "check", "parse"]

PATTERN_MAX = 256
SUBJECT_MAX = 512  # bytes of a value that HAProxy, too, is given to look at
REPEAT_MAX = 64
SIZE_MAX = 512  # characters and classes, each as often as it is repeated
GROUPS_MAX = 9
SPECIAL = "\\.[]{}()*+?|^$"


@dataclass(frozen=True, slots=True)
class Pattern:
    """`groups` counts what a replacement may name, `\\1` to `\\9`."""

    node: Node
    groups: int


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at, self.groups = text, 0, 0

    def peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def take(self) -> str:
        found = self.peek()
        self.at += 1
        return found

    def either(self) -> Node:
        options = [self.sequence()]
        while self.peek() == "|":
            self.take()
            options.append(self.sequence())
        return options[0] if len(options) == 1 else Either(tuple(options))

    def sequence(self) -> Node:
        items: list[Node] = []
        while self.peek() not in ("", "|", ")"):
            items.append(self.repeated(self.atom()))
        return Sequence(tuple(items))

    def atom(self) -> Node:
        found = self.take()
        if found == "(":
            return self.group()
        if found == "[":
            return Chars(self.class_())
        if found == ".":
            return Chars(ANY)
        if found in "^$":
            return Edge(end=found == "$")
        if found == "\\":
            return Chars(self.escape())
        if found in SPECIAL:
            raise BadRegex(f"“{found}” at character {self.at} needs a backslash before it, or something to repeat.")
        return Chars(bits(found))

    def group(self) -> Node:
        if self.peek() == "?":
            self.take()
            if self.take() != ":":
                raise BadRegex("Of the groups that begin with (? only (?:…) can be used.")
        else:
            self.groups += 1
        inner = self.either()
        if self.take() != ")":
            raise BadRegex("A group is not closed.")
        return inner

    def escape(self) -> int:
        found = self.take()
        if found in SETS and found:
            return SETS[found]
        if not found or found.isalnum():
            raise BadRegex(f"\\{found} cannot be used; \\d, \\w, \\s and escaped punctuation can.")
        return bits(found)

    def class_(self) -> int:
        negated = self.peek() == "^"
        if negated:
            self.take()
        mask, empty = 0, True
        while self.peek() != "]":
            mask |= self.member(first=empty)
            empty = False
        self.take()
        if empty:
            raise BadRegex("A class is empty.")
        return ALL & ~mask if negated else mask

    def member(self, *, first: bool) -> int:
        found = self.take()
        if found == "":
            raise BadRegex("A class is not closed.")
        if found == "[" or (found == "-" and not first and self.peek() != "]"):
            raise BadRegex(f"“{found}” in a class needs a backslash before it.")
        if found == "\\":
            escaped = self.escape()
            if self.peek() == "-" and self.text[self.at + 1 : self.at + 2] != "]":
                raise BadRegex("A range in a class has letters or digits on both sides.")
            return escaped
        if self.peek() == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
            self.take()
            last = self.take()
            if not (found.isalnum() and last.isalnum() and found <= last):
                raise BadRegex("A range in a class has letters or digits on both sides, the lower one first.")
            return span(found, last)
        return bits(found)

    def repeated(self, item: Node) -> Node:
        found = self.peek()
        if found not in ("*", "+", "?", "{") or not found:
            return item
        if isinstance(item, Edge):
            raise BadRegex("^ and $ cannot be repeated.")
        self.take()
        low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}[found] if found != "{" else self.bounds()
        if self.peek() and self.peek() in "*+?{":
            raise BadRegex("A repeat of a repeat cannot be used, nor its lazy and possessive forms.")
        if high != 1 and not isinstance(item, Chars) and any(isinstance(one, Repeat | Either) for one in inside(item)):
            raise BadRegex("A group that is repeated has neither repeats nor | in it.")
        return Repeat(item, low, high)

    def bounds(self) -> tuple[int, int | None]:
        inner, closed, _ = self.text[self.at :].partition("}")
        first, comma, last = inner.partition(",")
        if not closed or not _number(first) or (last and not _number(last)):
            raise BadRegex("Repeats stand in braces: a number, a number and a comma, or two numbers.")
        self.at += len(inner) + 1
        low, high = int(first), (int(last) if last else None if comma else int(first))
        if max(low, high or 0) > REPEAT_MAX or (high is not None and not low <= high) or high == 0:
            raise BadRegex(f"A repeat goes from 0 to {REPEAT_MAX}, the lower number first.")
        return low, high


def _number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


@lru_cache(maxsize=1024)
def parse(text: str) -> Pattern:
    """Raises BadRegex."""
    if not 0 < len(text) <= PATTERN_MAX:
        raise BadRegex(f"A regular expression has 1 to {PATTERN_MAX} characters.")
    if not (text.isascii() and text.isprintable()):
        raise BadRegex("A regular expression is of printable ASCII characters.")
    reader = _Reader(text)
    node = reader.either()
    if reader.peek():
        raise BadRegex("A ) closes no group.")
    if reader.groups > GROUPS_MAX:
        raise BadRegex(f"{GROUPS_MAX} groups at most; (?:…) counts for none.")
    if size(node) > SIZE_MAX:
        raise BadRegex(f"Written out, the repeats are more than {SIZE_MAX} characters.")
    weigh(node, {} if anchored(node) else {ALL: 1})
    return Pattern(node, reader.groups)


def check(text: str) -> str:
    """The pattern itself, or BadRegex."""
    parse(text)
    return text
