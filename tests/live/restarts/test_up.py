"""The real `manage.py up`, ended in every way that there is: nothing keeps running, and nothing is lost."""

import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.live.load import serves
from tests.live.restarts.project import ORIGINS, Project
from tests.live.stack import until

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]
GONE_WITHIN = 90  # seconds; PostgreSQL may write much when it is told to end
PROGRAMS = (
    *("supervisord", "bin/postgres ", "redis-server", "haproxy ", "demo.origins", "demo.traffic"),
    *("uvicorn", "control@", "edge-n1@", "edge-n2@", " beat ", "veloflux_site.metrics"),
)


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    # Not in pytest's folder: HAProxy's sockets lie below it, and their paths must be short.
    with tempfile.TemporaryDirectory(prefix="vf-up-") as folder:
        made = Project(Path(folder).resolve())
        yield made
        made.end()
        made.remove()


def api(project: Project) -> httpx.Client:
    return httpx.Client(
        base_url=project.console + "/api", headers={"Authorization": f"Bearer {project.key}"}, timeout=20
    )


def nothing_runs(project: Project) -> bool:
    return not project.processes()


def require_gone(project: Project) -> None:
    try:
        until(lambda: nothing_runs(project), within=GONE_WITHIN, every=0.2, what="the end of every process")
    except AssertionError as error:
        raise AssertionError(f"left: {project.processes()}") from error


def require_serving(project: Project) -> None:
    assert httpx.get(project.console + "/health").json() == {"status": "healthy"}
    until(project.balanced, within=60, what=f"{sorted(ORIGINS)} through both nodes")


def require_all_seen(project: Project) -> None:
    """That the tests' own eyes see every kind of program: else they would never see one that is left."""
    lines = project.processes().values()
    assert [name for name in PROGRAMS if not any(name in line for line in lines)] == []


def test_kill_9_of_the_supervisor_leaves_no_orphan_and_the_next_start_has_the_data(project: Project) -> None:
    with project.up() as first, api(project) as client:
        require_serving(project)
        pool = client.get("/pools").json()["items"][0]
        host = f"kept{project.supervisor()}.localhost"
        made = client.post("/routes", json={"host": host, "pool": pool["id"]})
        assert made.status_code == 201, made.text
        for port in project.nodes:
            until(serves(port, host), what="the new route")
        require_all_seen(project)
        verified = project.manage("audit_verify")
        assert "unbroken" in verified.stdout, verified.stderr
        assert "owns the trail" not in verified.stderr, "the console's role could change its audit trail"
        os.kill(project.supervisor(), signal.SIGKILL)
        assert first.process.wait(30) == 1
        assert "The supervisor ended by itself" in first.words
        require_gone(project)
    with project.up() as again, api(project) as client:
        assert "shown once" not in again.words, "nobody was made a second time"
        require_serving(project)
        assert [row["id"] for row in client.get("/pools").json()["items"]] == [pool["id"]]
        assert client.get(f"/routes/{made.json()['id']}").json()["host"] == host
        for port in project.nodes:
            until(serves(port, host), what="the route that was kept")


def test_kill_9_of_the_command_stops_everything_too(project: Project) -> None:
    with project.up() as only:
        require_all_seen(project)
        only.process.kill()
        only.process.wait(30)
        require_gone(project)


def test_ctrl_c_stops_everything_and_a_start_that_cannot_be_explains_itself(project: Project) -> None:
    with project.up() as first:
        words = project.refused_up()
        assert f"already runs from this folder (supervisor pid {project.supervisor()})" in words
        assert f"http://localhost:{project['CONSOLE']}" in words
        assert "python3 manage.py stop" in words
        require_serving(project)
        require_all_seen(project)
        assert first.ctrl_c() == 0
        assert "the data stays in .veloflux" in first.words
        assert project.processes() == {}
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", project["CONSOLE"]))
        other.listen()
        words = project.refused_up()
    assert f"Port {project['CONSOLE']} (the console and API) is taken by" in words
    assert f"(pid {os.getpid()})" in words
    assert "VELOFLUX_CONSOLE_PORT=" in words
    assert project.processes() == {}
