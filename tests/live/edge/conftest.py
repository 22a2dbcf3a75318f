"""A node and origins for each test; both are ended by their own handles."""

from collections.abc import Iterator

import pytest

from tests.live.edge.alike import Alike, alike
from tests.live.edge.nodes import LiveNode, one_node
from tests.live.edge.origins import Origins
from tests.live.edge.servers import running


@pytest.fixture(scope="session")
def origins() -> Iterator[Origins]:
    with running(Origins) as origins:
        yield origins


@pytest.fixture
def node() -> Iterator[LiveNode]:
    with one_node() as live:
        yield live


@pytest.fixture(scope="module")
def pair() -> Iterator[Alike]:
    with alike("n1", "n2") as nodes:
        yield nodes
