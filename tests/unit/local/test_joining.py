"""Bringing a machine in as a node: what is asked of whom, and what is refused before a key is used up."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from veloflux_site.local import joined, joining, launch, node_command
from veloflux_site.local.folder import Folder
from veloflux_site.local.programs import Group
from veloflux_site.local.say import CannotGoOnError

TOLD = {"id": "aaaaaaaaaaaa", "name": "n3", "cluster": "main", "key": "k", "broker_url": "redis://node-a:p@r:1/0"}


class Console(BaseHTTPRequestHandler):
    """Answers as `answer` says, and keeps what it was asked."""

    answer: tuple[int, dict[str, Any]] = (200, TOLD)
    asked: list[tuple[str, Any]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append((self.path, json.loads(body)))
        status, content = self.answer
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_: Any) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def console() -> Iterator[str]:
    Console.answer, Console.asked = (200, TOLD), []
    with HTTPServer(("127.0.0.1", 0), Console) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_one_time_key_is_exchanged_for_what_the_node_is_started_with(console: str) -> None:
    fetched = joining.fetch(f"{console}/somewhere", "vfn_x", known=["b", "a"])
    assert Console.asked == [("/api/nodes/join", {"key": "vfn_x", "nodes": ["a", "b"]})]
    assert fetched.settings() == {
        "VELOFLUX_NODE_ID": "aaaaaaaaaaaa",
        "VELOFLUX_NODE_NAME": "n3",
        "VELOFLUX_NODE_KEY": "k",
        "VELOFLUX_NODE_BROKER_URL": "redis://node-a:p@r:1/0",
    }


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((422, {"detail": "It was used."}), "The console refused: It was used."),
        ((502, {}), "The console refused: 502"),
        ((302, {}), "leads elsewhere"),
        ((200, {"id": "a"}), "its answer lacks"),
    ],
)
def test_what_goes_wrong_is_a_sentence(console: str, answer: tuple[int, dict[str, Any]], said: str) -> None:
    Console.answer = answer
    with pytest.raises(CannotGoOnError, match=said):
        joining.fetch(console, "vfn_x")


@pytest.mark.parametrize(
    "url", ["http://console.example", "ftp://localhost", "console.example", "https://u:p@c.example"]
)
def test_the_key_never_goes_over_the_network_in_the_clear(url: str) -> None:
    with pytest.raises(CannotGoOnError):
        joining.check(url)


def test_on_the_same_machine_or_encrypted_it_may_go() -> None:
    assert joining.check("http://localhost:9090/") == "http://localhost:9090"
    assert joining.check("https://console.example/x?y") == "https://console.example"


def test_ports_are_as_given_then_as_before_then_as_usual() -> None:
    first = joined.chosen({}, {"VELOFLUX_HTTP_PORT": "80"}, haproxy=Path("/h"))
    assert first["VELOFLUX_NODE_HTTP_BIND"] == "*:80"
    assert first["VELOFLUX_NODE_HTTPS_BIND"] == "*:8443"
    again = joined.chosen(first, {"VELOFLUX_HTTPS_PORT": "443"}, haproxy=Path("/h"))
    assert (again["VELOFLUX_NODE_HTTP_BIND"], again["VELOFLUX_NODE_HTTPS_BIND"]) == ("*:80", "*:443")
    with pytest.raises(CannotGoOnError, match="VELOFLUX_HTTP_PORT"):
        joined.chosen({}, {"VELOFLUX_HTTP_PORT": "0"}, haproxy=Path("/h"))


def test_a_joined_folder_runs_one_node_with_its_own_settings_only(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert not joined.is_joined(folder)
    joined.keep(folder, {"VELOFLUX_NODE_ID": "aaaaaaaaaaaa", "VELOFLUX_NODE_KEY": "k"})
    assert joined.is_joined(folder)
    assert joined.env_file(folder).stat().st_mode & 0o777 == 0o600
    table = joined.table(folder)
    assert {name: program.group for name, program in table.items()} == {"node-me": Group.NODES, "edge-me": Group.APP}
    assert "node.aaaaaaaaaaaa.work" in table["edge-me"].command
    assert launch.own_environment(table["edge-me"], {}, joined.kept(folder)) == joined.kept(folder)


def test_a_folder_that_is_something_already_does_not_join(tmp_path: Path, console: str) -> None:
    folder = Folder(tmp_path)
    folder.prepare()
    folder.env_file.write_text("")
    with pytest.raises(CannotGoOnError, match="runs the console"):
        node_command.join(folder, console, "vfn_x", detach=True)
    joined.keep(folder, {"VELOFLUX_NODE_NAME": "n3"})
    with pytest.raises(CannotGoOnError, match="the node n3 already"):
        node_command.join(folder, console, "vfn_x", detach=True)
    assert Console.asked == [], "no key is used up"


def test_the_next_key_is_written_where_its_node_lives(tmp_path: Path, console: str) -> None:
    folder = Folder(tmp_path)
    with pytest.raises(CannotGoOnError, match="no node in this folder"):
        node_command.fetch_key(folder, console, "vfn_x")
    for name, node_id in (("n1", "aaaaaaaaaaaa"), ("n2", "bbbbbbbbbbbb")):
        path = folder.node_folders / name / "env"
        path.parent.mkdir(parents=True)
        path.write_text(f"VELOFLUX_NODE_ID={node_id}\nVELOFLUX_NODE_KEY=old\nVELOFLUX_NODE_DIR=/x\n")
    assert node_command.fetch_key(folder, console, "vfn_x") == 0
    assert Console.asked[0][1]["nodes"] == ["aaaaaaaaaaaa", "bbbbbbbbbbbb"]
    first = (folder.node_folders / "n1" / "env").read_text()
    assert "VELOFLUX_NODE_KEY=k\n" in first
    assert "VELOFLUX_NODE_DIR=/x\n" in first
    assert "VELOFLUX_NODE_KEY=old\n" in (folder.node_folders / "n2" / "env").read_text()
