"""Short paths: a unix socket's may have 107 characters."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="vf-") as folder:
        yield Path(folder)
