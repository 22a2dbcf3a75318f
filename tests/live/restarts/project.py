"""A copy of this project in a folder of its own, with ports of its own, in which `manage.py up` is run for real."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.live.load import ask
from tests.live.stack import ROOT, free_port, until
from veloflux_site.local import accounts, binaries, environment, launch, venv
from veloflux_site.local.folder import HERE, Folder

LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "tests", "docs")
UP_WITHIN = 180  # seconds; a starved machine makes its first tables slowly
DEMO_HOST = "demo.localhost"
ORIGINS = {f"Hello from {name}" for name in ("north", "east", "south", "west")}


@dataclass
class Up:
    """One `manage.py up`, and all that it has said."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def words(self) -> str:
        return self.log.read_text(errors="replace")

    def ctrl_c(self) -> int:
        """As a terminal does it: to the whole group in the foreground. Returns the exit status."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(120)


class Project:
    """`key` is the API key that the first start has shown."""

    def __init__(self, root: Path) -> None:
        self.folder, self.root = Folder(root), root
        found = binaries.have(os.environ, folder=HERE)
        self.ports = {name: free_port() for name in environment.PORTS}
        self.ports["VELOFLUX_ORIGINS_PORT"] = four_free_ports()
        self.env = launch.common(os.environ) | found.settings()
        self.env |= {name: str(port) for name, port in self.ports.items()}
        self.key = ""
        self._postgres = accounts.choose().place(self.folder.state / "postgres").parent
        shutil.copytree(ROOT, root, ignore=LEFT_OUT, dirs_exist_ok=True)
        self._borrow_python()

    def _borrow_python(self) -> None:
        """Ours: the copy installs nothing."""
        self.folder.venv.mkdir(parents=True)
        for part in Path(sys.prefix).iterdir():
            if not part.name.startswith("."):
                (self.folder.venv / part.name).symlink_to(part)
        (self.folder.venv / f".{venv.RUNTIME}").write_text(venv.asked(self.folder, venv.RUNTIME))

    def __getitem__(self, name: str) -> int:
        return self.ports[f"VELOFLUX_{name}_PORT"]

    @property
    def console(self) -> str:
        return f"http://127.0.0.1:{self['CONSOLE']}"

    @property
    def nodes(self) -> tuple[int, int]:
        return self["HTTP"], self.ports["VELOFLUX_HTTP_PORT_2"]

    def supervisor(self) -> int:
        return int((self.folder.run / "supervisord.pid").read_text())

    @contextmanager
    def up(self) -> Iterator[Up]:
        """Up and serving. However the block ends, nothing is left running."""
        log = self.root / f"up-{free_port()}.log"
        with log.open("wb") as words:
            process = subprocess.Popen(
                self._command(), cwd=self.root, env=self.env, stdout=words, stderr=words, start_new_session=True
            )
        started = Up(process, log)
        try:
            until(lambda: "Ctrl-C" in started.words or process.poll() is not None, within=UP_WITHIN, what="up")
            assert process.poll() is None, started.words
            if shown := re.search(r"API key +(\S+)", started.words):
                self.key = shown[1]
            yield started
        finally:
            if process.poll() is None:
                started.ctrl_c()
            self.end()

    def refused_up(self) -> str:
        """Start it where it cannot; returns what it said."""
        done = subprocess.run(
            self._command(), cwd=self.root, env=self.env, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 1, done.stdout + done.stderr
        return done.stderr

    def manage(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """A command of Django's, as somebody types it."""
        command = [sys.executable, "manage.py", *words]
        return subprocess.run(
            command, cwd=self.root, env=self.env, capture_output=True, text=True, timeout=120, check=False
        )

    def _command(self) -> list[str]:
        return [sys.executable, "manage.py", "up"]

    def processes(self) -> dict[int, str]:
        """pid → command line of all that has to do with this folder: it works in it, or was told of it."""
        return {pid: line for pid in pids() if (line := self._line(Path("/proc", str(pid))))}

    def _line(self, process: Path) -> str:
        marks = (str(self.root), str(self._postgres))
        with suppress(OSError):
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            known = (process / "environ").read_bytes().decode(errors="replace")
            told = (str((process / "cwd").readlink()), line, known)
            if any(mark in text for mark in marks for text in told):
                return line
        return ""

    def end(self) -> None:
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def remove(self) -> None:
        for path in (self._postgres, self.root):
            shutil.rmtree(path, ignore_errors=True)

    def balanced(self) -> bool:
        """Whether each node is answered by all four origins, and by nothing else."""
        return all(set(ask(port, DEMO_HOST, times=24).by) == ORIGINS for port in self.nodes)


def pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*") if int(path.name) != os.getpid()]


def four_free_ports() -> int:
    """The first of four in a row that nobody listens on."""
    row = [free_port() for _ in range(4)]
    while row != list(range(row[0], row[0] + 4)):
        row = [*row[1:], free_port()]
    return row[0]
