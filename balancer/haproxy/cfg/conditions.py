"""`if`, `unless`, names of ACLs and tests in braces, as alternatives of literals that all hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from math import prod

from . import atoms, criteria
from .atoms import Literal
from .lines import Line
from .said import Inexpressible

MANY = 60  # alternatives of one line
LITERALS = 200  # of an ACL, and of a condition written out
TOO_MANY = f"Written out, its condition has more than {MANY} alternatives."
TOO_LONG = f"Written out, its condition asks more than {LITERALS} things; write it as several rules."
Conj = tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Acl:
    """Any of `literals` holds. `problem`: why nobody can say it."""

    literals: tuple[Literal, ...]
    lines: frozenset[int]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class When:
    """Any of `conjs`; each has all of its literals. `lines`: of the ACLs that it names."""

    conjs: tuple[Conj, ...]
    lines: frozenset[int] = frozenset()


EVER = When(((),))


def acls(lines: Sequence[Line]) -> dict[str, Acl]:
    """Of one section: a name that stands several times is any of them."""
    named: dict[str, list[Line]] = {}
    for line in lines:
        if line.words[:1] == ("acl",) and len(line.words) > 2:
            named.setdefault(line.words[1], []).append(line)
    return {name: _acl(mine) for name, mine in named.items()}


def _acl(lines: Sequence[Line]) -> Acl:
    literals: list[Literal] = []
    problem = ""
    for line in lines:
        try:
            literals += atoms.of(criteria.read(line.words[2:]))
        except Inexpressible as error:
            problem = str(error)
    if len(literals) > LITERALS:
        literals, problem = [], TOO_LONG
    return Acl(tuple(literals), frozenset(line.number for line in lines), problem)


def read(words: tuple[str, ...], known: Mapping[str, Acl]) -> When:
    """`words` from `if` or `unless` on; none: ever. Raise `Inexpressible`."""
    if not words:
        return EVER
    used: set[int] = set()
    conjs = [conj for term in _terms(words[1:]) for conj in _product(_factors(term, known, used))]
    if words[0] == "unless":
        conjs = _product([[((atom, not holds),) for atom, holds in conj] for conj in conjs])
    if len(conjs) > MANY:
        raise Inexpressible(TOO_MANY)
    if sum(map(len, conjs)) > LITERALS:
        raise Inexpressible(TOO_LONG)
    return When(tuple(conjs), frozenset(used))


def split(words: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a rule does, and its condition."""
    at = next((at for at, word in enumerate(words) if word in ("if", "unless")), len(words))
    return words[:at], words[at:]


def _terms(words: tuple[str, ...]) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for word in words:
        if word in ("||", "or", "OR"):
            found.append([])
        else:
            found[-1].append(word)
    if not all(found):
        raise Inexpressible("A condition is empty.")
    return found


def _factors(words: list[str], known: Mapping[str, Acl], used: set[int]) -> list[list[Conj]]:
    """Each with its alternatives; one of each has to hold."""
    found, at, negated = [], 0, False
    while at < len(words):
        word = words[at]
        at += 1
        negated ^= (len(word) - len(word.lstrip("!"))) % 2 == 1
        word = word.lstrip("!")
        if not word:
            continue
        if word == "{":
            if "}" not in words[at:]:
                raise Inexpressible("A brace is not closed.")
            end = words.index("}", at)
            literals, at = atoms.of(criteria.read(tuple(words[at:end]))), end + 1
        else:
            literals = _named(word, known, used)
        found.append(_alternatives(literals, negated=negated))
        negated = False
    return found


def _named(word: str, known: Mapping[str, Acl], used: set[int]) -> tuple[Literal, ...]:
    acl = known.get(word)
    if acl is not None:
        if acl.problem:
            raise Inexpressible(acl.problem)
        used |= acl.lines
        return acl.literals
    if word in criteria.PREDEFINED:
        return tuple(one for text in criteria.PREDEFINED[word] for one in atoms.of(criteria.read(tuple(text.split()))))
    raise Inexpressible(f"There is no acl {word} in this section.")


def _alternatives(literals: tuple[Literal, ...], *, negated: bool) -> list[Conj]:
    if negated:
        return [tuple((atom, not holds) for atom, holds in literals)]
    return [(one,) for one in literals]


def _product(factors: Sequence[Sequence[Conj]]) -> list[Conj]:
    """One of each. Looked at before it is made: it grows as a power does."""
    if prod(len(factor) for factor in factors) > MANY:
        raise Inexpressible(TOO_MANY)
    return [tuple(chain.from_iterable(chosen)) for chosen in product(*factors)]
