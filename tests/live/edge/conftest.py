"""A node and origins for each test; both are ended by their own handles."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.edge.alike import Alike, alike
from tests.live.edge.nodes import LiveNode
from tests.live.edge.origins import Origins
from tests.live.edge.servers import running


@pytest.fixture(scope="session")
def origins() -> Iterator[Origins]:
    with running(Origins) as origins:
        yield origins


@pytest.fixture
def node() -> Iterator[LiveNode]:
    # A unix socket's path may have 107 characters, and pytest's own folders are deep.
    with tempfile.TemporaryDirectory(prefix="vf-") as folder:
        live = LiveNode(Path(folder) / "n1")
        live.start()
        yield live
        live.kill()


@pytest.fixture(scope="module")
def pair() -> Iterator[Alike]:
    with alike("n1", "n2") as nodes:
        yield nodes
