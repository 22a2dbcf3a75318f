"""What the console sends to nodes, as it lies in their queues."""

import json
from typing import Any

import pytest
from celery import current_app

from balancer import enqueue
from veloflux_site.celery import app


def sent(node: str, body: str) -> Any:
    """As any worker of Celery's takes it."""
    app.set_current()
    with current_app.connection_for_write() as connection, connection.SimpleQueue(f"node.{node}.work") as queue:
        enqueue.converge(node, body, "signed")
        message = queue.get(timeout=5)
        message.ack()
        return message


@pytest.mark.parametrize(("servers", "packed"), [(3, False), (3000, True)])
def test_a_large_state_travels_packed_and_comes_out_as_it_was(servers: int, packed: bool) -> None:
    body = json.dumps([{"key": f"b{number}", "address": f"10.0.0.{number}", "port": 80} for number in range(servers)])
    message = sent(f"n{servers}", body)
    args, _, _ = message.decode()
    assert args == [body, "signed"]
    assert message.headers.get("compression") == ("application/x-gzip" if packed else None)
