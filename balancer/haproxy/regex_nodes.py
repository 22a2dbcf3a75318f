"""What a regular expression is made of, and what asking for it may cost."""

from collections.abc import Iterator
from dataclasses import dataclass

DEPTH_MAX = 2  # repeats that could take the same characters: the square of `SUBJECT_MAX` is the most steps
ALL = (1 << 256) - 1


class BadRegex(ValueError):
    """The sentence says what of the pattern is not taken."""


@dataclass(frozen=True, slots=True)
class Chars:
    """One byte of a set, as bits."""

    mask: int


@dataclass(frozen=True, slots=True)
class Edge:
    """`^` or `$`."""

    end: bool


@dataclass(frozen=True, slots=True)
class Repeat:
    item: "Node"
    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Either:
    options: tuple["Node", ...]


Node = Chars | Edge | Repeat | Sequence | Either


def bits(characters: str) -> int:
    found = 0
    for character in characters:
        found |= 1 << ord(character)
    return found


def span(first: str, last: str) -> int:
    return bits("".join(map(chr, range(ord(first), ord(last) + 1))))


DIGITS = span("0", "9")
WORD = DIGITS | span("a", "z") | span("A", "Z") | bits("_")
SPACE = bits(" \t\n\v\f\r")
SETS = {"d": DIGITS, "w": WORD, "s": SPACE, "D": ALL & ~DIGITS, "W": ALL & ~WORD, "S": ALL & ~SPACE}
ANY = ALL & ~bits("\n")


def inside(node: Node) -> Iterator[Node]:
    yield node
    match node:
        case Sequence(items) | Either(items):
            for item in items:
                yield from inside(item)
        case Repeat(item):
            yield from inside(item)


def size(node: Node) -> int:
    match node:
        case Sequence(items) | Either(items):
            return sum(map(size, items))
        case Repeat(item, low, high):
            return max(low + 1, high or 0) * size(item)
    return 1


def anchored(node: Node) -> bool:
    """Can it only begin at the start?"""
    match node:
        case Edge(end):
            return not end
        case Sequence(items):
            return bool(items) and anchored(items[0])
        case Either(options):
            return all(anchored(option) for option in options)
    return False


Active = dict[int, int]  # what a repeat before may take → how many such follow each other up to it


def weigh(node: Node, active: Active) -> Active:
    """Follow what may take the same characters. One that must come pins down the repeats that cannot take it."""
    match node:
        case Chars(mask):
            return {taken: depth for taken, depth in active.items() if taken & mask}
        case Sequence(items):
            for item in items:
                active = weigh(item, active)
        case Either(options):
            found = [weigh(option, active) for option in options]
            return {mask: max(one.get(mask, 0) for one in found) for one in found for mask in one}
        case Repeat(item, _, high):
            if high == 1:
                inner = weigh(item, active)
                if isinstance(item, Chars):
                    inner = _deeper(item.mask, active)
                return {**inner, **active, **{m: max(inner.get(m, 0), active.get(m, 0)) for m in inner}}
            return _deeper(_taken(item), active)
    return active


def _deeper(mask: int, active: Active) -> Active:
    depth = 1 + max((depth for taken, depth in active.items() if taken & mask), default=0)
    if depth > DEPTH_MAX:
        raise BadRegex(
            "Too many repeats in a row could take the same characters. Begin with ^, put a character between them that "
            "they cannot take, or use fewer."
        )
    return {**active, mask: max(depth, active.get(mask, 0))}


def _taken(node: Node) -> int:
    mask = 0
    for one in inside(node):
        if isinstance(one, Chars):
            mask |= one.mask
    return mask
