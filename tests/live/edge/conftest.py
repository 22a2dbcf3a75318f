"""Nodes and origins of tests; all are ended by their own handles."""

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
def one_of_a_file() -> Iterator[LiveNode]:
    with one_node() as live:
        yield live


@pytest.fixture
def shared(one_of_a_file: LiveNode) -> Iterator[LiveNode]:
    """One for all tests of a file; each leaves it without a tenant."""
    yield one_of_a_file
    one_of_a_file.tell(gone=tuple(one_of_a_file.node.store.kept))


@pytest.fixture(scope="module")
def pair() -> Iterator[Alike]:
    with alike("n1", "n2") as nodes:
        yield nodes
