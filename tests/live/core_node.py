"""One HAProxy in a folder, driven by the core alone, and origins that say what they were asked."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from balancer.edge import certificates
from balancer.haproxy.capabilities import Capabilities, parse_version
from balancer.haproxy.desired import Tenant
from balancer.haproxy.planner import plan_steps
from balancer.haproxy.render import NodeSettings, render_tree
from balancer.haproxy.replies import Verdict, judge
from balancer.haproxy.running import MAPS, Running
from balancer.haproxy.show import parse_info, parse_map, parse_pools, parse_servers, parse_stat, with_limits
from tests.ports import free_port
from tests.programs import HAPROXY

NO_STATES = "1\n# be_id be_name srv_id srv_name\n"


def write(tree: dict[str, str], folder: Path) -> None:
    for path, text in tree.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


class Origin(BaseHTTPRequestHandler):
    """Says what it was asked, and where."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        said = {"port": self.connection.getsockname()[1], "path": self.path, "headers": dict(self.headers)}
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the base class has
        pass


class Origins(ThreadingHTTPServer):
    """Quiet about health checks, which hang up as soon as they know."""

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class LiveNode:
    """One HAProxy in a folder, and the smallest client that can talk to it."""

    def __init__(self, folder: Path, state: Tenant, *others: Tenant, ipv6: bool = False) -> None:
        """`others` are there as well, and stay as they are. `ipv6`: on ::1 too, by the same port."""
        self.folder, self.others = folder, others
        (folder / "run").mkdir()
        self.port, self.tls_port = free_port(), free_port()
        certificates.keep(folder / "certs", name="n1", now=datetime.now(UTC))
        self.settings = NodeSettings(
            str(folder / "run"),
            f"127.0.0.1:{self.port}" + (f",::1:{self.port}" if ipv6 else ""),
            f"127.0.0.1:{self.tls_port}",
            str(folder / "certs"),
        )
        self.start(state, NO_STATES)

    def start(self, state: Tenant, states: str) -> None:
        (self.folder / "run" / "server-state").write_text(states)
        shutil.rmtree(self.folder / "tree", ignore_errors=True)
        write(render_tree([state, *self.others], self.settings), self.folder / "tree")
        self.process = subprocess.Popen([HAPROXY, "-db", "-q", "-f", self.folder / "tree"], stderr=subprocess.PIPE)
        self.wait_for(lambda: "Pid" in parse_info(self.ask("show info")))

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()
        (self.folder / "run" / "admin.sock").unlink()

    def wait_for(self, there: Callable[[], bool], seconds: float = 10) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if there():
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError("it did not come")

    def ask(self, line: str) -> str:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.folder / "run" / "admin.sock"))
            client.sendall(f"{line}\n".encode())
            return b"".join(iter(lambda: client.recv(65536), b"")).decode()

    def look(self) -> Running:
        maps = {path: parse_map(self.ask(f"show map {path}")) for path in MAPS}
        seen = Running(parse_servers(self.ask("show servers state")), maps, parse_pools(self.ask("show backend")))
        return with_limits(seen, parse_stat(self.ask("show stat -1 4 -1")))

    def version(self) -> Capabilities:
        return parse_version(parse_info(self.ask("show info"))["Version"])

    def bring(self, old: Tenant | None, new: Tenant | None) -> tuple[str, ...]:
        """Run the steps; why a reload is due."""
        version = self.version()
        steps = plan_steps(old, new, self.look(), version)
        for command in steps.commands:
            for line in command.lines():
                reply = self.ask(f"set severity-output number;{line}")
                assert judge(line, reply) is Verdict.DONE, (line, reply)
        again = plan_steps(old, new, self.look(), version)
        assert again.commands == ()
        return steps.reload

    def get(self, path: str, host: str, **headers: str) -> tuple[int, str, dict[str, str]]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers={"Host": host, **headers})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own loopback address
                return answer.status, answer.read().decode(), dict(answer.headers)
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode(), dict(answer.headers)

    def status(self, path: str, host: str) -> int:
        return self.get(path, host)[0]
