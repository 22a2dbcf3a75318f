"""The whole product as real processes on free ports, for tests: console, workers, nodes, each one killable by name.

Needs PostgreSQL and Redis (`VELOFLUX_DATABASE_URL`, `VELOFLUX_REDIS_URL`); starts everything else, and ends it.
"""

import base64
import contextlib
import functools
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import redis

from tests.ports import free_port as free_port
from tests.programs import HAPROXY

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN = 150


def until(true: Callable[[], object], *, within: float = 20.0, every: float = 0.05, what: str = "it") -> Any:
    """Wait for a truthy answer; a refused connection is a no."""
    deadline, last = time.monotonic() + within, None
    while time.monotonic() < deadline:
        try:
            if last := true():
                return last
        except (httpx.HTTPError, OSError) as error:
            last = error
        time.sleep(every)
    raise AssertionError(f"{what} did not happen within {within} s; last: {last!r}")


@dataclass
class Program:
    """One process of the product; `kill()` is -9, `start()` brings it back with what is on disk."""

    name: str
    command: list[str]
    env: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command, env=self.env, cwd=ROOT, stdout=out, stderr=out, start_new_session=True
            )

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """The whole process group, so that no worker outlives its master."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, how)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(5)
        self.process = None

    def restart(self) -> None:
        self.kill()
        self.start()


@dataclass
class NodeUnderTest:
    name: str
    id: str
    http_port: int
    folder: Path
    env: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def admin_socket(self) -> Path:
        return self.folder / "run" / "admin.sock"


@dataclass
class Stack:
    folder: Path
    env: dict[str, str]
    programs: dict[str, Program] = field(default_factory=dict)
    nodes: list[NodeUnderTest] = field(default_factory=list)
    bootstrap: dict[str, Any] = field(default_factory=dict)
    console_port: int = 0

    @property
    def console(self) -> str:
        return f"http://127.0.0.1:{self.console_port}"

    def add(self, name: str, command: list[str], env: dict[str, str] | None = None) -> Program:
        log = self.folder / "log" / f"{name}.log"
        log.parent.mkdir(exist_ok=True)
        program = Program(name, command, self.env | (env or {}), log)
        self.programs[name] = program
        program.start()
        return program

    def revive(self) -> None:
        """What the process manager does: start again what has ended by itself."""
        for program in self.programs.values():
            if program.process is not None and program.process.poll() is not None:
                program.start()

    def stop(self) -> None:
        for program in reversed(self.programs.values()):
            program.kill(signal.SIGTERM)

    def manage(self, *command: str) -> str:
        return self.run("-m", "veloflux_site.django_command", *command)

    def run(self, *words: str) -> str:
        line = [sys.executable, *words]
        done = subprocess.run(line, env=self.env, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def api(self, tenant: str | None = None, key: str | None = None) -> httpx.Client:
        prefix = f"/api/tenants/{tenant}" if tenant else "/api"
        return httpx.Client(
            base_url=self.console + prefix,
            headers={"Authorization": f"Bearer {key or self.bootstrap['api_key']}"},
            timeout=20,
        )

    def words(self, name: str, last: int = 3000) -> str:
        return self.programs[name].log.read_text(errors="replace")[-last:]


def environment(folder: Path, database_url: str, redis_url: str) -> dict[str, str]:
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    metrics = folder / "metrics"
    metrics.mkdir(exist_ok=True)
    return keep | {
        "DJANGO_SETTINGS_MODULE": "veloflux_site.settings",
        "PYTHONPATH": str(ROOT),
        "VELOFLUX_SECRET_KEY": secrets.token_hex(32),
        "VELOFLUX_JWT_KEY": secrets.token_hex(32),
        "VELOFLUX_ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "VELOFLUX_DATABASE_URL": database_url,
        "VELOFLUX_REDIS_URL": redis_url,
        "VELOFLUX_DEMO": "true",
        "VELOFLUX_THROTTLES": "login=0,auth=0,api=0,expensive=0",
        "VELOFLUX_LOG_LEVEL": os.environ.get("VELOFLUX_LOG_LEVEL", "WARNING"),
        "VELOFLUX_NODES_DIR": str(folder / "nodes"),
        "VELOFLUX_STATIC_ROOT": str(folder / "static"),
        "VELOFLUX_MAIL_DIR": str(folder / "mail"),
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        "VELOFLUX_HAPROXY": HAPROXY,
    }


def read_env_file(path: Path) -> dict[str, str]:
    lines = (line.partition("=") for line in path.read_text().splitlines() if "=" in line)
    return {name: value.strip("'\"") for name, _, value in lines}


def start(folder: Path, database_url: str, redis_url: str, **more: str) -> Stack:
    """Everything, ready to serve. What does not become ready is ended. `more` of the environment."""
    stack = Stack(folder, environment(folder, database_url, redis_url) | more)
    with contextlib.ExitStack() as unless_ready:
        unless_ready.callback(stack.stop)
        bring_up(stack)
        unless_ready.pop_all()
    return stack


def bring_up(stack: Stack) -> None:
    stack.console_port = free_port()
    stack.env["VELOFLUX_BASE_URL"] = stack.console
    python = sys.executable
    with redis.Redis.from_url(stack.env["VELOFLUX_REDIS_URL"]) as server:
        server.flushdb()  # an earlier run's messages are for nodes that are no more
    stack.manage("migrate_fleet")
    stack.run("-m", "veloflux_site.local.collect")
    stack.bootstrap = json.loads(stack.manage("bootstrap", "--json"))
    for told in stack.bootstrap["nodes"]:
        port = free_port()
        env = read_env_file(Path(told["env_file"])) | {"VELOFLUX_NODE_HTTP_BIND": f"127.0.0.1:{port}"}
        env["VELOFLUX_NODE_HTTPS_BIND"] = f"127.0.0.1:{free_port()}"
        node = NodeUnderTest(told["name"], told["id"], port, Path(env["VELOFLUX_NODE_DIR"]), env)
        stack.nodes.append(node)
        stack.add(f"node-{node.name}", [python, "-m", "balancer.edge.boot"], env)
        stack.add(
            f"edge-{node.name}", celery("veloflux_site.node", "--pool", "solo", "-Q", f"node.{node.id}.work"), env
        )
    uvicorn = [
        "-m",
        "uvicorn",
        "veloflux_site.asgi:application",
        "--port",
        str(stack.console_port),
        "--no-proxy-headers",
        "--log-level",
        "warning",
    ]
    stack.add("web", [python, *uvicorn])
    stack.add(
        "control", celery("veloflux_site.celery", "--pool", "threads", "-c", "4", "-Q", "control,reports,status,logs")
    )
    beat = ["beat", "-S", "redbeat.RedBeatScheduler", "-l", "warning"]
    stack.add("beat", [python, "-m", "celery", "-A", "veloflux_site.celery", *beat])
    wait_until_ready(stack)


def celery(app: str, *more: str) -> list[str]:
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "info"]
    return [sys.executable, "-m", "celery", "-A", app, "worker", *more, *quiet]


def wait_until_ready(stack: Stack) -> None:
    healthy = {"status": "healthy"}
    until(lambda: httpx.get(stack.console + "/health").json() == healthy, within=READY_WITHIN, what="a healthy console")
    for node in stack.nodes:
        until(functools.partial(answers, node), within=READY_WITHIN, what=f"{node.name} answering")


def answers(node: NodeUnderTest) -> bool:
    return httpx.get(node.url, headers={"Host": "nobody.test"}).status_code == 421


@contextlib.contextmanager
def running(folder: Path, database_url: str, redis_url: str, **more: str) -> Iterator[Stack]:
    stack = start(folder, database_url, redis_url, **more)
    try:
        yield stack
    finally:
        stack.stop()
