"""Rules of routes: their JSON, their text, their expressions, their shares."""

import copy
import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.haproxy.codec import BadState, from_json, to_json
from balancer.haproxy.regex import BadRegex, parse
from balancer.haproxy.regex_match import matches
from balancer.haproxy.render import render_shard
from balancer.haproxy.routing import Share
from balancer.haproxy.sites import draws
from balancer.haproxy.text import Unprintable

from .build import HOSTILE
from .routes import ruled
from .test_injection import TEXT, At, _texts

STATE = to_json(ruled())
PLACES = [at for at in _texts(STATE) if at[0] == "routes"]
LINES = len(render_shard([ruled()]).splitlines())


def with_text(at: At, text: str, *, after: bool) -> dict[str, Any]:
    state: Any = copy.deepcopy(STATE)
    holder = state
    for step in at[:-1]:
        holder = holder[step]
    holder[at[-1]] = holder[at[-1]] + text if after else text
    return dict(state)


def test_everything_comes_back() -> None:
    assert from_json(to_json(ruled())) == ruled()


def test_a_plain_route_is_written_as_it_always_was() -> None:
    plain = ruled()
    told = to_json(type(plain)("ta", plain.pools, (type(plain.routes[0])("r1", "a.test", "/", "p1"),)))
    assert told["routes"] == [{"key": "r1", "host": "a.test", "path_prefix": "/", "pool": "p1"}]


def _adds_no_line(at: At, text: str, *, after: bool) -> None:
    try:
        state = from_json(with_text(at, text, after=after))
        lines = render_shard([state]).splitlines()
    except (BadState, Unprintable):
        return
    # Another host, action or kind is another number of lines; text within a field is not.
    if at[-1] not in ("host", "type", "op", "path", "action", "regex", "prefix", "replacement", "key"):
        assert len(lines) == LINES
    assert all(line.startswith(("    ", "backend ", "cache ")) or not line for line in lines)
    assert all(len(line.split()) > 1 for line in lines if line)


@pytest.mark.parametrize("at", PLACES, ids=lambda at: ".".join(map(str, at)))
def test_no_hostile_text_adds_a_line(at: At) -> None:
    for text in HOSTILE:
        _adds_no_line(at, text, after=True)


@given(st.sampled_from(PLACES), TEXT, st.booleans())
def test_no_text_adds_a_line(at: At, text: str, after: bool) -> None:
    _adds_no_line(at, text, after=after)


PIECES = ["a", "b", ".", "[ab]", "[^a]", "(", "(?:", ")", "|", "*", "+", "?", "{1,2}", "{2}", "^", "$", "\\.", "\\w"]


def test_an_expression_means_what_it_means_everywhere() -> None:
    chance, asked = random.Random(7), 0
    for _ in range(6000):
        pattern = "".join(chance.choice(PIECES) for _ in range(chance.randint(1, 7)))
        try:
            parse(pattern)
        except BadRegex:
            continue
        for _ in range(3):
            value = "".join(chance.choice("ab.c") for _ in range(chance.randint(0, 6)))
            assert bool(re.search(pattern, value, re.ASCII)) == matches(pattern, value.encode()), (pattern, value)
            asked += 1
    assert asked > 2000


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+", "(a|b)*", "a*a*a*b", "(?=a)", "\\1", "a**", "a*?", "[[:alpha:]]", "(", ")", "a{65}", "", "é", "a\n", "^*",
     "a?a?a?", "(a{64}b{64}c{64}d{64}e{64}f{64}g{64}h{64}i{64})", "a" * 257],
)  # fmt: skip
def test_what_could_be_slow_or_mean_two_things_is_refused(pattern: str) -> None:
    with pytest.raises(BadRegex):
        parse(pattern)


def test_asking_a_long_value_costs_little() -> None:
    """All states at once: 512 bytes of it are looked at, and no pattern makes that exponential."""
    assert not matches("^a*a*[bc]$", b"a" * 100_000)
    assert matches("^a*$", b"a" * 512 + b"b")


@given(st.lists(st.integers(0, 100), min_size=1, max_size=20).filter(any))
def test_a_hundred_draws_are_shared_out_by_weight(weights: list[int]) -> None:
    drawn = draws(tuple(Share(f"p{number}", weight) for number, weight in enumerate(weights)))
    assert len(drawn) == 100
    for number, weight in enumerate(weights):
        exact = 100 * weight / sum(weights)
        assert (drawn.count(f"p{number}") > 0) is (weight > 0)
        assert abs(drawn.count(f"p{number}") - exact) < 1 + sum(0 < one * 100 < sum(weights) for one in weights)
