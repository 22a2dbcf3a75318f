"""A one-time key is good once: for two at once as well, and it is not used up by what failed."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import redis
from django.utils import timezone

from balancer.fleet.models import Cluster, Node
from balancer.services import broker_users, node_keys
from balancer.services.node_keys import NotValid
from tenants.actor import SYSTEM
from tenants.scope import platform_scope
from tests.conftest import World
from tests.db.balancer.threads import in_threads
from tests.db.nodes.test_keys import fetch


@pytest.fixture
def one_time(committed: World, kept: "redis.Redis") -> Iterator[str]:
    with platform_scope():
        cluster = Cluster.objects.get(is_default=True)
        node, key = node_keys.announce("n9", cluster, by=SYSTEM, now=timezone.now())
    yield key.key
    with platform_scope():
        Node.objects.filter(pk=node.pk).delete()


def test_of_two_who_use_it_at_once_one_gets_the_key(one_time: str) -> None:
    got: list[str] = []

    def use() -> None:
        try:
            got.append(node_keys.fetch(one_time, address="127.0.0.1", now=timezone.now()).key)
        except NotValid:
            got.append("")

    in_threads(use, partial(use), partial(use))
    assert len([key for key in got if key]) == 1
    assert len(got) == 3


def test_what_fails_half_way_does_not_use_it_up(one_time: str, monkeypatch: pytest.MonkeyPatch) -> None:
    give = broker_users.give

    def away(*_: Any) -> tuple[str, str]:
        raise redis.exceptions.ConnectionError

    monkeypatch.setattr(broker_users, "give", away)
    assert fetch(one_time).status_code == 503
    monkeypatch.setattr(broker_users, "give", give)
    assert fetch(one_time).status_code == 200
