"""Paths that a rule takes, as a set that can be cut with another and written as a route's `path_match`."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from balancer.haproxy.regex import PATTERN_MAX, SPECIAL, BadRegex, check
from balancer.haproxy.regex_fold import folded
from balancer.haproxy.regex_match import matches
from balancer.haproxy.routing import PathMatch
from balancer.haproxy.text import Unprintable, path_prefix

from .said import PATHS_TOGETHER, Inexpressible, NoRegex

MANY = 60  # values of one rule


class By(StrEnum):
    EXACT = "str"
    BEGIN = "beg"
    END = "end"
    PART = "sub"
    REGEX = "reg"


@dataclass(frozen=True, slots=True)
class Shape:
    """`fold`: letters of either case."""

    by: By
    text: str
    fold: bool = False

    @property
    def pattern(self) -> str:
        if self.by is By.REGEX:
            return self.text
        start = "^" if self.by in (By.EXACT, By.BEGIN) else ""
        return f"{start}{literal(self.text, fold=self.fold)}{'$' if self.by in (By.EXACT, By.END) else ''}"

    def takes(self, path: str) -> bool:
        return matches(self.pattern, path.encode())


Paths = tuple[Shape, ...]  # any of them; `()` is no path at all
EVERY: Paths = (Shape(By.BEGIN, "/"),)


def literal(text: str, *, fold: bool) -> str:
    """The expression of a text as it stands."""
    return "".join(_letter(one, fold=fold) for one in text)


def _letter(one: str, *, fold: bool) -> str:
    if fold and one.isascii() and one.isalpha():
        return f"[{one.lower()}{one.upper()}]"
    return f"\\{one}" if one in SPECIAL else one


def of(by: By, values: tuple[str, ...], *, fold: bool) -> Paths:
    """Raise `Inexpressible`."""
    if not 0 < len(values) <= MANY:
        raise Inexpressible(f"{MANY} values at most can be compared in one line.")
    fold = fold and any(one.isalpha() for value in values for one in value)
    if by is By.REGEX and fold:
        values, fold = tuple(map(either_case, values)), False
    found = tuple(Shape(by, value, fold) for value in values if value)
    for shape in found:
        try:
            check(shape.pattern)
        except BadRegex as error:
            raise NoRegex(str(error)) from error
    if any(shape.by is By.BEGIN and not shape.text.strip("/") and len(shape.text) < 2 for shape in found):
        return EVERY
    return found


def either_case(pattern: str) -> str:
    """Raise `Inexpressible`."""
    try:
        return folded(pattern) if pattern else pattern
    except BadRegex as error:
        raise NoRegex(str(error)) from error


def dir_of(value: str) -> str:
    """Between slashes, as `path_dir` has it."""
    return f"(?:^|/){literal(value.strip('/'), fold=False)}(?:/|$)"


def both(one: Paths, other: Paths) -> Paths:
    """What both take. Raise `Inexpressible`."""
    if one == EVERY:
        return other
    if other == EVERY:
        return one
    found: dict[Shape, None] = {}
    for first, second in product(one, other):
        found |= dict.fromkeys(_both(first, second))
    if len(found) > MANY:
        raise Inexpressible(PATHS_TOGETHER)
    return tuple(found)


def _both(one: Shape, other: Shape) -> Paths:
    if one == other:
        return (one,)
    rank = list(By)
    one, other = sorted((one, other), key=lambda shape: rank.index(shape.by))
    if one.by is By.EXACT and not one.fold:
        return (one,) if other.takes(one.text) else ()
    if one.by is other.by and one.by in (By.BEGIN, By.END):
        return _nested(one, other)
    if one.by is By.BEGIN and other.by in (By.END, By.PART):
        return tuple(_after(one, other))
    if one.by is By.EXACT and one.fold and other.by is By.EXACT and not other.fold:
        return (other,) if one.takes(other.text) else ()
    raise Inexpressible(PATHS_TOGETHER)


def _nested(one: Shape, other: Shape) -> Paths:
    """Two beginnings, or two ends: the longer one, if it has the shorter one in it."""
    short, long = sorted((one, other), key=lambda shape: len(shape.text))
    inside = short.takes(long.text)
    if not inside and not (long.fold and short.text.lower() == _same_side(long, len(short.text)).lower()):
        return ()
    if long.fold and not short.fold:
        raise Inexpressible(PATHS_TOGETHER)
    return (long,)


def _same_side(long: Shape, size: int) -> str:
    return long.text[:size] if long.by is By.BEGIN else long.text[-size:]


def _after(begin: Shape, other: Shape) -> Iterator[Shape]:
    """A beginning, and what comes somewhere after it, or lies over a part of it."""
    end = "$" if other.by is By.END else ""
    yield Shape(By.REGEX, f"{begin.pattern}.*{literal(other.text, fold=other.fold)}{end}")
    for at in range(len(begin.text)):
        size = min(len(begin.text) - at, len(other.text))
        if end and at + len(other.text) < len(begin.text):
            continue
        over, under = begin.text[at : at + size], other.text[:size]
        if over.lower() != under.lower() or (over != under and not begin.fold and not other.fold):
            continue
        both_say = under if begin.fold and not other.fold else over
        rest = begin if len(other.text) <= size else other
        tail = begin.text[at + size :] if rest is begin else other.text[size:]
        if not begin.fold and not other.fold:
            yield Shape(By.EXACT if end else By.BEGIN, f"{begin.text[:at]}{both_say}{tail}")
            continue
        head = literal(begin.text[:at], fold=begin.fold)
        middle = literal(both_say, fold=begin.fold and other.fold)
        yield Shape(By.REGEX, f"^{head}{middle}{literal(tail, fold=rest.fold)}{end}")


def written(paths: Paths) -> Iterator[tuple[str, PathMatch]]:
    """`path_prefix` and `path_match` of as many routes as it takes. Raise `Inexpressible`."""
    if paths == EVERY:
        yield "/", PathMatch.PREFIX
        return
    exact = [shape for shape in paths if shape.by is By.EXACT and not shape.fold]
    if len(paths) == 1 and exact:
        yield _path(exact[0].text), PathMatch.EXACT
        return
    for pattern in _joined([shape.pattern for shape in paths]):
        yield pattern, PathMatch.REGEX


def _path(text: str) -> str:
    try:
        return path_prefix(text)
    except Unprintable as error:
        raise Inexpressible("A path begins with / and has neither spaces nor a query.") from error


def _joined(patterns: list[str]) -> Iterator[str]:
    """Alternatives of one expression, as many as fit."""
    waiting: list[str] = []
    for pattern in patterns:
        if waiting and not _fits([*waiting, pattern]):
            yield "|".join(waiting)
            waiting = []
        waiting.append(pattern)
    if waiting:
        yield "|".join(waiting)


def _fits(patterns: list[str]) -> bool:
    try:
        check("|".join(patterns))
    except BadRegex:
        return False
    return sum(len(one) + 1 for one in patterns) <= PATTERN_MAX
