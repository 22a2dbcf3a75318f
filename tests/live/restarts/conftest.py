from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.live import stack as stacks
from tests.live.restarts import databases
from tests.live.restarts.databases import Databases
from tests.live.road.conftest import make_site as make_site  # on the stack below
from tests.live.stack import Stack


@pytest.fixture(scope="module")
def crashable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    with databases.running(tmp_path_factory.mktemp("databases")) as running:
        yield running


@pytest.fixture(scope="module")
def stack(crashable: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder: Path = tmp_path_factory.mktemp("stack")
    with stacks.running(folder, crashable.database_url, crashable.redis_url) as running:
        with psycopg.connect(crashable.database_url, autocommit=True) as db:  # no plan's limit shall answer here
            db.execute("UPDATE billing_subscription SET plan_id = 'custom'")
        yield running
