"""As whom PostgreSQL runs: it refuses uid 0, so root needs another way (`components.md` 2)."""

import hashlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

UNSHARE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
ELSEWHERE = Path("/var/lib/veloflux")


@dataclass(frozen=True, slots=True)
class Account:
    """`wrap` goes before the command; `owner` is the user that must own the data, if it is not ourselves."""

    wrap: tuple[str, ...] = ()
    owner: str = ""

    def place(self, wanted: Path) -> Path:
        """Where the data lies: as wanted, or below /var/lib, because another user cannot enter our private folder."""
        if not self.owner:
            return wanted
        return ELSEWHERE / hashlib.sha256(str(wanted).encode()).hexdigest()[:12] / wanted.name

    def give(self, path: Path) -> None:
        """Make a folder that only the account may read, and that it can reach."""
        if not self.owner:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            return
        for folder in (ELSEWHERE, path.parent, path):
            folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        user = pwd.getpwnam(self.owner)
        os.chown(path, user.pw_uid, user.pw_gid)
        path.chmod(0o700)


def choose() -> Account:
    """Ourselves; for root a user namespace in which we are somebody else, or another user where that is refused."""
    if os.geteuid() != 0:
        return Account()
    if shutil.which("unshare") and _succeeds([*UNSHARE, "true"]):
        return Account(wrap=UNSHARE)
    owner = "postgres" if _exists("postgres") else "nobody"
    user = pwd.getpwnam(owner)
    return Account(wrap=("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"), owner=owner)


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _succeeds(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
