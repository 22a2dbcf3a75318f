"""What we take of routes HAProxy takes: many random texts in every field, one `haproxy -c` for all of them."""

from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from balancer.edge.check import check
from balancer.haproxy.codec import BadState, from_json
from balancer.haproxy.desired import Tenant
from balancer.haproxy.render import NodeSettings, render_tree
from tests.live.core_node import write
from tests.programs import HAPROXY
from tests.unit.haproxy.build import HOSTILE
from tests.unit.haproxy.routes import ruled
from tests.unit.haproxy.test_injection import TEXT
from tests.unit.haproxy.test_routing import PIECES, PLACES, with_text

PATTERNS = st.lists(
    st.sampled_from([*PIECES, "/", "[a-z0-9_-]", "\\d", "\\[", "\\s", "-", "#", "%", "'", '"']), max_size=9
)


def test_haproxy_takes_what_we_take(tmp_path: Path) -> None:
    taken: list[Tenant] = [ruled()]

    def offer(at: tuple[str | int, ...], text: str, *, after: bool) -> None:
        try:
            state = from_json(with_text(at, text, after=after))
        except BadState:
            return
        taken.append(replace(state, key=f"t{len(taken)}"))

    for at in PLACES:
        for text in HOSTILE[:12]:
            offer(at, text, after=True)

    @settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(PLACES), TEXT | PATTERNS.map("".join), st.booleans())
    def any_text(at: tuple[str | int, ...], text: str, after: bool) -> None:
        offer(at, text, after=after)

    any_text()
    assert len(taken) > 100
    (tmp_path / "run").mkdir()
    write(render_tree(taken, NodeSettings(str(tmp_path / "run"), "127.0.0.1:1")), tmp_path / "tree")
    check(HAPROXY, [tmp_path / "tree"])
