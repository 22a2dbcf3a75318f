"""Where things lie: everything that is made on this machine is below `.veloflux/`, beside the code."""

from dataclasses import dataclass
from pathlib import Path

from veloflux_site.local.say import CannotGoOnError

# HAProxy binds `<socket>.<pid>.tmp` before it renames it; the kernel takes 107 bytes for the path of a unix socket.
LONGEST_ROOT = 107 - len("/.veloflux/nodes/n1/run/master.sock.1234567.tmp")


@dataclass(frozen=True, slots=True)
class Folder:
    root: Path

    @property
    def state(self) -> Path:
        return self.root / ".veloflux"

    @property
    def env_file(self) -> Path:
        return self.state / "env"

    @property
    def venv(self) -> Path:
        return self.state / "venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def log(self) -> Path:
        return self.state / "log"

    @property
    def run(self) -> Path:
        return self.state / "run"

    @property
    def prefix(self) -> Path:
        return self.state / "prefix"

    @property
    def test(self) -> Path:
        return self.state / "test"

    @property
    def node_folders(self) -> Path:
        return self.state / "nodes"

    def require_room_for_sockets(self) -> None:
        """Raises CannotGoOnError where a unix socket's path would not fit."""
        if len(str(self.root)) > LONGEST_ROOT:
            raise CannotGoOnError(
                f"This folder's path is {len(str(self.root))} characters long: {self.root}\n"
                f"HAProxy's sockets lie below it, so it may have {LONGEST_ROOT}. Move the project to a shorter path."
            )

    def prepare(self) -> None:
        """Make the folders that everything else writes into, readable by their owner only."""
        for path in (self.state, self.log, self.run, self.node_folders, self.state / "mail"):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)


HERE = Folder(Path(__file__).resolve().parents[2])
