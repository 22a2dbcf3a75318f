"""A list on a page: found by words, narrowed to a state, put in order and paged. All of it stands in the address."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.http import QueryDict
from django.utils.functional import Promise

SHOWN = 50
FEW = 10  # with so many or fewer, there is nothing to look for
WORDS_MOST = 200
DOWN = "-"  # before the name of an order: the other way round

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """`key` None: not to be put in order by. `falls`: the first click shows the greatest."""

    name: str
    label: Promise
    key: Callable[[Row], Any] | None = None
    number: bool = False
    falls: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    label: Promise
    number: bool
    href: str = ""
    order: str = ""  # as `aria-sort` says it


@dataclass(frozen=True, slots=True)
class Listing(Generic[Row]):
    """`shown` is the page; `all` and `fit` count rows before and after narrowing."""

    shown: "Page[Row]"
    heads: list[Head]
    states: Mapping[str, Promise]
    q: str
    state: str
    sort: str
    all: int
    fit: int
    first: str = ""  # the order that is not said in the address

    @property
    def narrowed(self) -> bool:
        return bool(self.q or self.state)

    @property
    def searchable(self) -> bool:
        return self.narrowed or self.all > FEW

    @property
    def kept(self) -> str:
        """For the links of the pager, which add a page to it."""
        return query(q=self.q, state=self.state, sort="" if self.sort == self.first else self.sort)


def query(**parts: str) -> str:
    return urlencode({name: value for name, value in parts.items() if value})


def listed(
    asked: QueryDict,
    rows: Iterable[Row],
    *,
    columns: tuple[Column[Row], ...],
    text: Callable[[Row], str],
    states: Mapping[str, Promise],
    state_of: Callable[[Row], Iterable[str]],
    first: str,
) -> Listing[Row]:
    """`rows` in the order of `first`; they stay in it where another order has them as equals.

    What is not understood in the address counts for nothing: it is an address that somebody kept.
    """
    every = list(rows)
    words = asked.get("q", "").strip()[:WORDS_MOST]
    state = asked.get("state", "")
    state = state if state in states else ""
    fit = [row for row in every if says(text(row), words) and (not state or state in state_of(row))]
    known = {column.name: column for column in columns if column.key}
    sort = asked.get("sort", "")
    by = known.get(sort.removeprefix(DOWN))
    if by is None:
        sort = first
    elif by.key is not None:
        fit.sort(key=by.key, reverse=sort.startswith(DOWN))
    heads = [head(column, sort, words, state) for column in columns]
    page = Paginator(fit, SHOWN).get_page(asked.get("page"))
    return Listing(page, heads, states, words, state, sort, len(every), len(fit), first)


def says(text: str, words: str) -> bool:
    """Each of the words is somewhere in it."""
    folded = text.casefold()
    return all(word in folded for word in words.casefold().split())


def head(column: Column[Any], sort: str, words: str, state: str) -> Head:
    if column.key is None:
        return Head(column.label, column.number)
    here, downwards = sort.removeprefix(DOWN) == column.name, sort.startswith(DOWN)
    next_down = not downwards if here else column.falls
    href = "?" + query(q=words, state=state, sort=f"{DOWN if next_down else ''}{column.name}")
    order = ("descending" if downwards else "ascending") if here else ""
    return Head(column.label, column.number, href, order)
