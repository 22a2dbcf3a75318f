"""A real Redis in a folder of its own."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from balancer.edge.acl import acl_rule
from tests.live.edge.nodes import eventually, free_port
from tests.programs import REDIS_SERVER


class Broker:
    def __init__(self, port: int) -> None:
        self.port = port
        self.admin = redis.Redis(port=port, decode_responses=True)

    def add_node(self, node_id: str) -> str:
        """Make its user as the control plane does; returns the URL that its worker gets."""
        words = ("ACL", "SETUSER", f"node-{node_id}", "on", ">secret", *acl_rule(node_id))
        self.admin.execute_command(*words)  # type: ignore[no-untyped-call]
        return f"redis://node-{node_id}:secret@127.0.0.1:{self.port}/0"

    def answers(self) -> bool:
        try:
            return bool(self.admin.ping())
        except redis.ConnectionError:
            return False


@contextmanager
def running_redis() -> Iterator[Broker]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="vf-") as folder:
        arguments = ["--bind", "127.0.0.1", "--port", str(port), "--dir", folder, "--save", "", "--logfile", "log"]
        process = subprocess.Popen([REDIS_SERVER, *arguments], stdout=subprocess.DEVNULL)
        broker = Broker(port)
        try:
            eventually(broker.answers)
            yield broker
        finally:
            broker.admin.close()
            process.terminate()
            process.wait(10)
