"""A third node comes by the command that staff are shown, serves, changes its key under load, and goes."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from tests.live.load import ask, load, serves
from tests.live.restarts.project import Project
from tests.live.road.conftest import Site, post
from tests.live.road.test_moves import Make
from tests.live.stack import Stack, free_port, until

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]


@pytest.fixture
def machine() -> Iterator[Project]:
    """A copy of the project in a folder of its own, in which nothing was ever started."""
    # Not in pytest's folder: HAProxy's sockets lie below it, and their paths must be short.
    with tempfile.TemporaryDirectory(prefix="vf-node-") as folder:
        made = Project(Path(folder).resolve())
        yield made
        made.end()
        made.remove()


def staff(stack: Stack) -> httpx.Client:
    told = stack.bootstrap
    return httpx.Client(base_url=f"{stack.console}/api", auth=(told["email"], told["password"]), timeout=20)


def of(api: httpx.Client, node_id: str) -> dict[str, Any]:
    answer = api.get(f"/nodes/{node_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@contextmanager
def running(machine: Project, command: str, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """As staff were shown it, typed into a terminal; ended by Ctrl-C."""
    words = command.split()
    assert words[:3] == ["python3", "manage.py", "node"]
    log = machine.root / "node.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *words[1:]], cwd=machine.root, env=machine.env, stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip
    try:
        until(lambda: "Ctrl-C" in log.read_text() or process.poll() is not None, within=120, what="the node")
        assert process.poll() is None, log.read_text()
        assert f"takes traffic on port {port}" in log.read_text()
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, 2)
            process.wait(60)


def test_a_node_joins_serves_changes_its_key_and_goes(stack: Stack, make_site: Make, machine: Project) -> None:
    site: Site = make_site(2)
    names = {origin.name for origin in site.origins}
    machine.env |= {"VELOFLUX_TCP_ADDRESS": "127.0.0.3", "VELOFLUX_NODE_THREADS": "2"}
    port = machine["HTTP"]
    with staff(stack) as api:
        made = post(api, "/nodes", {"name": "n3", "cluster": "main"})
        path = f"/nodes/{made['id']}"
        command = made["onboarding"]["command"]
        with running(machine, command, port) as process:
            until(lambda: set(ask(port, site.host, times=24).by) == names, within=40, what="traffic through n3")
            until(lambda: of(api, made["id"])["status"]["sync"] == "in_sync", within=30, what="its word")
            assert of(api, made["id"])["status"]["fresh"] == "live"
            secret = machine.folder.node_folders / "me" / "env"
            key = dict(line.split("=", 1) for line in secret.read_text().splitlines())["VELOFLUX_NODE_KEY"]
            assert key not in (machine.root / "node.log").read_text()
            assert not any(key in line for line in machine.processes().values())
            assert secret.stat().st_mode & 0o777 == 0o600
            again = machine.manage("node", "join", stack.console, command.split()[-1])
            assert "This folder is the node n3 already" in again.stderr

            changes_reach(site, port)
            rotates(stack, api, machine, site, path, key, port)
            assert process.poll() is None

            assert api.delete(path).json()["code"] == "serves"
            left = api.post("/system/drain", json={"confirm": True, "node": "n3", "grace": "0s"})
            assert left.status_code == 201, left.text
            until(lambda: of(api, made["id"])["status"]["service"] == "out", within=40, what="its way out")
            gone = api.delete(path)
            assert gone.status_code == 204, gone.text
        assert api.get(path).status_code == 404
        assert "n3" not in [one["name"] for one in api.get("/nodes").json()["items"]]
    with redis.Redis.from_url(stack.env["VELOFLUX_REDIS_URL"], decode_responses=True) as server:
        users: Any = server.execute_command("ACL", "USERS")
        assert not [name for name in users if made["id"] in name]
        assert [name for name in server.scan_iter() if made["id"] in name] == []
    # Who waits for all nodes does not wait for this one.
    done = site.api.post(
        f"/backends/{site.backends[0]['id']}/weight", json={"weight": 9}, headers={"Prefer": "wait=10"}
    )
    assert done.json()["change"]["state"] == "live", done.text


def changes_reach(site: Site, port: int) -> None:
    """All of them, the new one too, before a change is called live."""
    first = site.backends[0]["id"]
    drained = site.api.post(f"/backends/{first}/drain", json={}, headers={"Prefer": "wait=10"})
    assert drained.json()["change"]["state"] == "live", drained.text
    assert set(ask(port, site.host, times=12).by) == {site.origins[1].name}
    back = site.api.post(f"/backends/{first}/ready", json={}, headers={"Prefer": "wait=10"})
    assert back.json()["change"]["state"] == "live", back.text


def rotates(stack: Stack, api: httpx.Client, machine: Project, site: Site, path: str, old: str, port: int) -> None:
    """While it serves and is told changes; then the key before, and its user in Redis, open nothing."""
    secret = machine.folder.node_folders / "me" / "env"
    before = dict(line.split("=", 1) for line in secret.read_text().splitlines())
    asked = post(api, f"{path}/rotate-key", status=200)
    assert asked["key"]["state"] == "asked"
    words = asked["onboarding"]["command"].split()
    host = f"rotated-{free_port()}.test"
    with load(port, site.host, clients=3) as traffic:
        done = machine.manage(*words[2:])
        assert done.returncode == 0, done.stdout + done.stderr
        assert "was started again" in done.stdout
        route = post(site.api, "/routes", {"host": host, "pool": site.pool["id"]})
        until(serves(port, host), within=40, what="a change during the rotation")
        until(lambda: api.get(path).json()["key"]["state"] == "current", within=40, what="the end of the old key")
    assert traffic.total > 50
    assert not traffic.failures
    site.api.delete(f"/routes/{route['id']}")
    assert api.get(path).json()["status"]["refused_at"] is None, "no message of its own was refused"
    with (
        pytest.raises(redis.exceptions.AuthenticationError),
        redis.Redis.from_url(before["VELOFLUX_NODE_BROKER_URL"]) as own,
    ):
        own.ping()
    forge(stack, api.get(path).json()["id"], old)
    until(lambda: api.get(path).json()["status"]["refused_at"], what="the refusal, shown")


def forge(stack: Stack, node_id: str, key: str) -> None:
    """A word in its name, signed with the key before, put where the node's own would come."""
    stack.run(
        "-c",
        "import json, time; from veloflux_site.celery import app; from balancer.edge.signing import sign;"
        f"body = json.dumps({{'node': '{node_id}', 'at': time.time() + 60}});"
        f"app.send_task('balancer.tasks.observe', args=['{node_id}', body, sign('{key}', body)], queue='status')",
    )
