"""The one parent: supervisord's configuration, its start, and what we ask of it over its socket."""

import http.client
import os
import shlex
import signal
import socket
import subprocess
import time
import xmlrpc.client
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from veloflux_site.local import launch
from veloflux_site.local.folder import Folder
from veloflux_site.local.programs import Group, Program
from veloflux_site.local.say import CannotGoOnError

# Stopping takes the highest first: the app before the nodes, and the data last.
PRIORITY = {Group.DATA: 100, Group.NODES: 200, Group.APP: 300}


def config_text(programs: Iterable[Program], *, folder: Folder) -> str:
    listed = tuple(programs)
    here = {each.group for each in listed}
    groups = [
        _group(group, [each.name for each in listed if each.group == group]) for group in PRIORITY if group in here
    ]
    return "\n\n".join([_head(folder), *groups, *(_program(each, folder) for each in listed)]) + "\n"


def _head(folder: Folder) -> str:
    user = "user=root\n" if os.geteuid() == 0 else ""  # else it warns that it was not told
    return (
        "# Written by `manage.py up` at each start.\n"
        f"[supervisord]\n{user}nodaemon=true\nsilent=true\numask=077\nidentifier=veloflux\n"
        f"directory={_escaped(folder.root)}\npidfile={_escaped(pidfile(folder))}\n"
        f"childlogdir={_escaped(folder.log)}\n"
        f"logfile={_escaped(folder.log / 'supervisord.log')}\nlogfile_maxbytes=5MB\nlogfile_backups=2\n\n"
        f"[unix_http_server]\nfile={_escaped(control_socket(folder))}\nchmod=0700\n\n"
        f"[supervisorctl]\nserverurl=unix://{_escaped(control_socket(folder))}\n\n"
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface"
    )


def _group(group: Group, names: list[str]) -> str:
    return f"[group:{group}]\nprograms={','.join(names)}\npriority={PRIORITY[group]}"


def _program(program: Program, folder: Folder) -> str:
    become = (str(folder.python), "-S", "-m", "veloflux_site.local.launch", program.name)
    return (
        f"[program:{program.name}]\ncommand={_escaped(shlex.join(('setpriv', '--pdeathsig', 'KILL', *become)))}\n"
        f"directory={_escaped(folder.root)}\n"
        # The data starts with the supervisor; the rest when the database has been brought up to date.
        f"autostart={'true' if program.group == Group.DATA else 'false'}\nautorestart=true\n"
        "startsecs=1\nstartretries=30\n"
        f"stopsignal={program.stop}\nstopwaitsecs={program.seconds}\nkillasgroup=true\n"
        f"redirect_stderr=true\nstdout_logfile={_escaped(folder.log / program.name)}.log\n"
        "stdout_logfile_maxbytes=10MB\nstdout_logfile_backups=3"
    )


def _escaped(value: object) -> str:
    """`%` begins an expansion in supervisord's files."""
    return str(value).replace("%", "%%")


def pidfile(folder: Folder) -> Path:
    return folder.run / "supervisord.pid"


def control_socket(folder: Folder) -> Path:
    return folder.run / "supervisor.sock"


def config_file(folder: Folder) -> Path:
    return folder.state / "supervisord.conf"


def start(folder: Folder, *, lock: int, with_us: bool) -> subprocess.Popen[bytes]:
    """Start it in a session of its own, so that Ctrl-C reaches us alone. It holds the lock as long as it lives.

    `with_us`: it stops everything in order when we are killed."""
    control_socket(folder).unlink(missing_ok=True)
    tied = ("setpriv", "--pdeathsig", "TERM") if with_us else ()
    with (folder.log / "supervisord.out").open("wb") as words:
        return subprocess.Popen(
            [*tied, folder.python, "-m", "supervisor.supervisord", "-n", "-c", config_file(folder)],
            cwd=folder.root,
            env=launch.common(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(lock,),
        )


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: object) -> http.client.HTTPConnection:
        return _Connection(self._path)


@dataclass(frozen=True, slots=True)
class State:
    """What supervisord says of a program: STARTING, RUNNING, BACKOFF, FATAL, ..."""

    name: str
    state: str
    words: str


class Control:
    """supervisord's XML-RPC, over its socket. Raises OSError where it does not answer."""

    def __init__(self, folder: Folder) -> None:
        self._server = xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(control_socket(folder)))

    def wait(self, process: subprocess.Popen[bytes], *, seconds: float, log: Path) -> None:
        """Return when it answers. Raises CannotGoOnError when it ends or stays silent."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and process.poll() is None:
            try:
                self._server.supervisor.getState()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise CannotGoOnError(f"The supervisor did not start. Its words are in {log}.")

    def start(self, group: Group) -> None:
        self._server.supervisor.startProcessGroup(str(group), False)

    def restart(self, group: Group, name: str) -> None:
        """Returns when the new one runs. Raises xmlrpc.client.Fault for a program that is not there."""
        self._server.supervisor.stopProcess(f"{group}:{name}")
        self._server.supervisor.startProcess(f"{group}:{name}")

    def states(self) -> list[State]:
        listed = cast("list[dict[str, str]]", self._server.supervisor.getAllProcessInfo())
        return [State(each["name"], each["statename"], each["spawnerr"] or each["description"]) for each in listed]


def running_pid(folder: Folder) -> int:
    """The supervisor's pid, if it runs from this folder; else 0. A pid that was reused since is not it."""
    try:
        pid = int(pidfile(folder).read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return 0
    return pid if str(config_file(folder)).encode() in words.split(b"\0") else 0


def ask_to_stop(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)
