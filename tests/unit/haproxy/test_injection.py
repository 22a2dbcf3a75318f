"""Text of any kind, in any field, adds no line to the configuration."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.haproxy.codec import BadState, from_json, to_json
from balancer.haproxy.desired import (
    AdminState,
    Algorithm,
    CheckType,
    HealthCheck,
    Pool,
    Route,
    Server,
    Tenant,
    Timeouts,
)
from balancer.haproxy.render import render_tree
from balancer.haproxy.serving import ProxyProtocol, RetryOn, Serving, Sticky, StickyType, Tls
from balancer.haproxy.text import Unprintable

from .build import HOSTILE, SETTINGS, rich

At = tuple[str | int, ...]


def _texts(value: Any, at: At = ()) -> Iterator[At]:
    """Where there is text, in a state as JSON."""
    if isinstance(value, str):
        yield at
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*at, index))


STATE = to_json(rich())
PLACES = list(_texts(STATE))
CHOICES = {"algorithm", "admin", "type", "proxy_protocol"}  # enums: no text to a renderer
TEXT = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from(HOSTILE) | st.text(max_size=5), min_size=1, max_size=6).map("".join),
)


def _with(at: At, text: str, *, after: bool) -> dict[str, Any]:
    state: Any = copy.deepcopy(STATE)
    *path, last = at
    holder = state
    for step in path:
        holder = holder[step]
    holder[last] = holder[last] + text if after else text
    return dict(state)


def _unchecked(state: dict[str, Any]) -> Tenant:
    """As `from_json`, without a single check: the renderer must hold on its own."""
    pools = tuple(
        Pool(
            key=pool["key"],
            algorithm=Algorithm(pool["algorithm"]),
            servers=tuple(Server(**{**each, "admin": AdminState(each["admin"])}) for each in pool["servers"]),
            health_check=HealthCheck(
                **{
                    **pool["health_check"],
                    "type": CheckType(pool["health_check"]["type"]),
                    "headers": tuple((name, value) for name, value in pool["health_check"]["headers"]),
                }
            ),
            timeouts=Timeouts(**pool["timeouts"]),
            retries=pool["retries"],
            serving=_serving(pool.get("serving", {})),
        )
        for pool in state["pools"]
    )
    routes = tuple(Route(**route) for route in state["routes"])
    return Tenant(state["key"], pools, routes, state["rps"], state["suspended"], state["burst"])


def _serving(said: dict[str, Any]) -> Serving:
    sticky = said.get("sticky", {})
    return Serving(
        **{
            **said,
            "sticky": Sticky(**{**sticky, "type": StickyType(sticky["type"])}) if sticky else Sticky(),
            "retry_on": tuple(RetryOn(one) for one in said.get("retry_on", ())),
            "tls": Tls(**said["tls"]) if "tls" in said else None,
            "proxy_protocol": ProxyProtocol(said.get("proxy_protocol", "none")),
        }
    )


def _shape(state: Tenant) -> tuple[int, int]:
    """Lines of configuration, and lines of maps."""
    tree = render_tree([state], SETTINGS)
    lines = {path: len(text.splitlines()) for path, text in tree.items()}
    maps = sum(count for path, count in lines.items() if path.startswith("maps/"))
    return sum(lines.values()) - maps, maps


CONFIG_LINES, MAP_LINES = _shape(rich())


FREE = [at for at in PLACES if at[-1] not in CHOICES and "retry_on" not in at]


def _adds_nothing(at: At, text: str, *, after: bool) -> None:
    try:
        config, maps = _shape(_unchecked(_with(at, text, after=after)))
    except Unprintable:
        return
    # What is left empty may be a line that is not asked for.
    assert config == CONFIG_LINES or (config < CONFIG_LINES and not text and not after)
    # Two hosts or paths may have become one; none became two.
    assert maps <= MAP_LINES


@pytest.mark.parametrize("at", FREE, ids=lambda at: ".".join(map(str, at)))
def test_no_hostile_text_adds_a_line_in_any_field(at: At) -> None:
    for text in HOSTILE:
        for after in (True, False):
            _adds_nothing(at, text, after=after)


@given(st.sampled_from(FREE), TEXT, st.booleans())
def test_no_text_adds_a_line_even_where_nothing_checked_it(at: At, text: str, after: bool) -> None:
    _adds_nothing(at, text, after=after)


@given(st.sampled_from(PLACES), TEXT, st.booleans())
def test_what_the_codec_takes_can_be_rendered(at: At, text: str, after: bool) -> None:
    try:
        state = from_json(_with(at, text, after=after))
    except BadState:
        return
    assert _shape(state)[0] == CONFIG_LINES
