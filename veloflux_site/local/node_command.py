"""`manage.py node`: bring this machine in as a node of a console elsewhere, start it again, change its key."""

import argparse
import getpass
import os
import subprocess
import sys
import xmlrpc.client
from collections.abc import Mapping, Sequence
from pathlib import Path

from veloflux_site.local import (
    binaries,
    environment,
    foreground,
    health,
    joined,
    joining,
    lock,
    ports,
    private,
    supervisor,
    venv,
)
from veloflux_site.local.environment import Settings
from veloflux_site.local.folder import Folder
from veloflux_site.local.joining import Fetched
from veloflux_site.local.programs import Group
from veloflux_site.local.say import CannotGoOnError, say
from veloflux_site.local.supervisor import Control

STOPS = "stopping the worker, then HAProxy"
UP_WITHIN = 60
TAKES = """\
Run what staff were shown, in a copy of this project in a folder of its own. The key is good once; without it on the
command line it is asked for. From the environment: VELOFLUX_HTTP_PORT (8000), VELOFLUX_HTTPS_PORT (8443),
VELOFLUX_PASSTHROUGH_PORT (8445), VELOFLUX_TCP_ADDRESS (all), VELOFLUX_HAPROXY; they are kept for the next start.
"""


def run(folder: Folder, words: Sequence[str]) -> int:
    asked = _parser().parse_args(words)
    match asked.act:
        case "join":
            return join(folder, asked.url, asked.key, detach=asked.detach)
        case "run":
            return start(folder, detach=asked.detach)
        case _:
            return fetch_key(folder, asked.url, asked.key)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="manage.py node", description=TAKES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    acts = parser.add_subparsers(dest="act", required=True)
    join_parser = acts.add_parser("join", help="fetch this node's key, and run it")
    run_parser = acts.add_parser("run", help="run it again")
    key_parser = acts.add_parser("fetch-key", help="fetch its next key, and go on with that")
    for one in (join_parser, key_parser):
        one.add_argument("url", help="the console's address")
        one.add_argument("key", nargs="?", default="", help="the one-time key")
    for one in (join_parser, run_parser):
        one.add_argument("--detach", action="store_true", help="return when it is up, and leave it running")
    return parser


def join(folder: Folder, url: str, key: str, *, detach: bool) -> int:
    """What may fail comes before the key is used up."""
    joining.check(url)
    if joined.is_joined(folder):
        name = joined.kept(folder).get("VELOFLUX_NODE_NAME", "")
        raise CannotGoOnError(f"This folder is the node {name} already. Start it with: python3 manage.py node run")
    if folder.env_file.exists():
        raise CannotGoOnError("This folder runs the console. Join from a copy of the project in another folder.")
    settings = _machine(folder, {})
    fetched = joining.fetch(url, key or _asked_for())
    joined.keep(folder, settings | fetched.settings() | {"VELOFLUX_NODE_DIR": str(joined.env_file(folder).parent)})
    say(f"this is {fetched.name} of the cluster {fetched.cluster} from now on")
    return _run(folder, detach=detach)


def start(folder: Folder, *, detach: bool) -> int:
    if not joined.is_joined(folder):
        raise CannotGoOnError("This folder is no node yet. Staff of the console are shown the command that joins it.")
    before = joined.kept(folder)
    joined.keep(folder, before | _machine(folder, before))
    return _run(folder, detach=detach)


def _machine(folder: Folder, before: Mapping[str, str]) -> Settings:
    """Python packages, HAProxy, free ports. Raises CannotGoOnError."""
    folder.require_room_for_sockets()
    folder.prepare()
    if pid := supervisor.running_pid(folder):
        raise CannotGoOnError(f"It runs already (supervisor pid {pid}). Stop it with: python3 manage.py stop")
    venv.make(folder, venv.RUNTIME)
    given = {name: value for name, value in os.environ.items() if name.startswith("VELOFLUX_")}
    wanted = {"VELOFLUX_HAPROXY": before.get("VELOFLUX_HAPROXY", "")} | given
    settings = joined.chosen(before, given, haproxy=binaries.have_haproxy(wanted, folder=folder))
    ports.check(joined.needs(settings))
    return settings


def _asked_for() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    return getpass.getpass("One-time key: ").strip()


def _run(folder: Folder, *, detach: bool) -> int:
    held = lock.take(folder)
    if held is None:
        raise CannotGoOnError("Another command is just starting or stopping this node. Wait for it, or end it.")
    with foreground.signals_as_interrupts():
        listed = joined.table(folder).values()
        supervisor.config_file(folder).write_text(supervisor.config_text(listed, folder=folder))
        process = supervisor.start(folder, lock=held, with_us=not detach)
        os.close(held)
        return foreground.run(process, folder, lambda: _bring_up(folder, process), detach=detach, saying=STOPS)


def _bring_up(folder: Folder, process: "subprocess.Popen[bytes]") -> None:
    control = Control(folder)
    control.wait(process, seconds=30, log=folder.log / "supervisord.log")
    for group in (Group.NODES, Group.APP):
        control.start(group)
    settings = joined.kept(folder)
    port = joined.port_of(settings)
    health.wait(lambda: _answers(port), control=control, folder=folder, seconds=UP_WITHIN)
    name = settings["VELOFLUX_NODE_NAME"]
    print(f"\n  {name} takes traffic on port {port}, and its configuration from the console.")
    print("  Ctrl-C stops it; `python3 manage.py node run` starts it again. Its logs: .veloflux/log\n", flush=True)


def _answers(port: int) -> str:
    return "" if health.ask(port, "/", host="nobody.invalid").status else "HAProxy does not answer yet"


def fetch_key(folder: Folder, url: str, key: str) -> int:
    """Of a node that is here, of `up` or joined. HAProxy is not touched."""
    joining.check(url)
    here = {settings.get("VELOFLUX_NODE_ID", ""): path for path, settings in _nodes_here(folder)}
    if not here:
        raise CannotGoOnError("There is no node in this folder.")
    fetched = joining.fetch(url, key or _asked_for(), known=here)
    path = here[fetched.id]
    _write_key(path, fetched)
    say(f"{fetched.name} has another key")
    name = path.parent.name
    if not supervisor.running_pid(folder):
        say("it speaks with it from its next start on")
        return 0
    try:
        Control(folder).restart(Group.APP, f"edge-{name}")
    except xmlrpc.client.Fault as fault:
        raise CannotGoOnError(f"Its worker could not be started again: {fault.faultString}.") from fault
    say("its worker was started again, and speaks with it")
    return 0


def _nodes_here(folder: Folder) -> list[tuple[Path, Settings]]:
    return [(path, environment.read(path)) for path in sorted(folder.node_folders.glob("*/env"))]


def _write_key(path: Path, fetched: Fetched) -> None:
    settings = environment.read(path) | fetched.settings()
    private.write(path, "".join(f"{name}={value}\n" for name, value in settings.items()))
