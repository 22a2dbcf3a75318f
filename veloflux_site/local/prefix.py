"""Packages without root: apt's own downloads (so their signatures are checked), unpacked, never configured.

A program out of the prefix is reached through a wrapper in `prefix/bin` that sets LD_LIBRARY_PATH for it alone: our
Python must go on with the system's libraries.
"""

import os
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from veloflux_site.local.folder import Folder
from veloflux_site.local.say import CannotGoOnError
from veloflux_site.local.shell import run

# What the closure names but our programs do not load: 70 MB of JIT, maintainer scripts and translations.
UNWANTED = re.compile(
    r"(libllvm|libz3|perl|libperl|locales|postgresql-common|postgresql-client-common|systemd|libsystemd-shared|ssl-cert|"
    r"init-system-helpers|lsb-|sysvinit|adduser|ucf|debconf|dbus|libgdbm|netbase|logrotate|cron|sensible-utils|"
    r"libjson-perl|media-types|tzdata-legacy)"
)
FONTS = "fonts.conf"
SYSTEM_LISTS = Path("/var/lib/apt/lists")
NAME = re.compile(r"[a-z0-9][a-z0-9+.-]*")


def unpack(names: Sequence[str], *, folder: Folder, log: Path) -> None:
    """Fetch the packages and what they need beyond this machine's, and unpack all of it."""
    apt = Apt(folder.state / "apt", log=log)
    apt.update()
    wanted = [name for name in apt.closure(names) if name in names or not UNWANTED.match(name)]
    for deb in apt.download(wanted):
        run(["dpkg", "-x", deb, folder.prefix], doing=f"Unpacking {deb.name}", log=log)
        deb.unlink()
    apt.forget()
    _wrap(folder.prefix)


class Apt:
    """The machine's package sources and keys, with lists and caches of our own; it writes nothing elsewhere."""

    def __init__(
        self,
        home: Path,
        *,
        log: Path,
        options: Sequence[str] = (),
        status: Path = Path("/var/lib/dpkg/status"),
        lists: Path | None = None,
    ) -> None:
        self._home, self._log = home, log
        for part in ("state/lists/partial", "cache/archives/partial", "debs"):
            (home / part).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._options = (
            *(f"Dir::State={home / 'state'}", f"Dir::State::lists={lists or home / 'state/lists'}"),
            *(f"Dir::Cache={home / 'cache'}", f"Dir::State::status={status}"),
            *("Debug::NoLocking=1", "APT::Sandbox::User=", "APT::Install-Recommends=0", "Acquire::Retries=3"),
            *options,
        )

    def _command(self, *words: str) -> list[str]:
        return ["apt-get", *(part for option in self._options for part in ("-o", option)), *words]

    def update(self) -> None:
        run(self._command("update", "-qq"), doing="Reading the package lists", log=self._log)

    def closure(self, names: Sequence[str]) -> list[str]:
        """The packages that an installation of these would fetch here."""
        listed = run(
            self._command("install", "-y", "-qq", "--print-uris", *names), doing="Resolving packages", log=self._log
        )
        # 'URI' file_version_arch.deb size hash
        files = (line.split()[1] for line in listed.splitlines() if line.startswith("'"))
        return [file.split("_", 1)[0] for file in files if NAME.match(file)]

    def download(self, names: Sequence[str]) -> list[Path]:
        debs = self._home / "debs"
        if names:
            run(self._command("download", "-qq", *names), doing="Downloading packages", log=self._log, cwd=debs)
        return sorted(debs.glob("*.deb"))

    def forget(self) -> None:
        """Give back the disk: lists and caches are 150 MB."""
        shutil.rmtree(self._home, ignore_errors=True)


def libraries(prefix: Path) -> list[Path]:
    """The folders of the prefix that hold shared libraries, multiarch ones first."""
    roots = (prefix / "usr/lib", prefix / "lib")
    nested = [path for root in roots if root.is_dir() for path in sorted(root.glob("*-linux-gnu*")) if path.is_dir()]
    # Some libraries name a folder of their own, by a path that is the system's: libpulse does.
    deeper = sorted({file.parent for folder in nested for file in folder.glob("*/lib*.so*")})
    return [*nested, *deeper, *(root for root in roots if root.is_dir())]


def _wrap(prefix: Path) -> None:
    # Chromium last: its namesake in usr/bin is a script that knows only the system's /usr/lib.
    folders = [prefix / "usr/sbin", prefix / "usr/bin", *sorted(prefix.glob("usr/lib/postgresql/*/bin"))]
    folders.append(prefix / "usr/lib/chromium")
    _name_fonts(prefix)
    for program in _programs(folders):
        version = program.parent.parent.name if "postgresql" in program.parts else ""
        wrap(program, prefix / "bin" / version / program.name, prefix)


def _name_fonts(prefix: Path) -> None:
    """Without a font of the system's, a browser out of the prefix would draw no text at all."""
    fonts = prefix / "usr/share/fonts"
    if fonts.is_dir():
        cache = prefix / "var/cache/fontconfig"
        (prefix / FONTS).write_text(f"<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>\n")


def wrap(program: Path, wrapper: Path, prefix: Path) -> None:
    """Make the wrapper: the program, with the prefix's libraries."""
    wrapper.parent.mkdir(parents=True, exist_ok=True)
    fonts = prefix / FONTS
    wrapper.write_text(wrapper_text(program, libraries(prefix), fonts=fonts if fonts.exists() else None))
    wrapper.chmod(0o755)


def _programs(folders: Iterable[Path]) -> Iterable[Path]:
    for folder in folders:
        if folder.is_dir():
            yield from (file for file in folder.iterdir() if os.access(file, os.X_OK) and not file.is_dir())


def wrapper_text(program: Path, folders: Sequence[Path], *, fonts: Path | None = None) -> str:
    """A script that runs one program of the prefix with the prefix's libraries, in the same process."""
    paths = ":".join(map(str, folders))
    named = f'FONTCONFIG_FILE="{fonts}" ' if fonts else ""
    return f'#!/bin/sh\n{named}LD_LIBRARY_PATH="{paths}" exec "{program}" "$@"\n'


def pip_wheel(folder: Folder, *, log: Path) -> Path:
    """pip's own wheel out of Debian's package, for a Python that was installed without ensurepip."""
    for root in (Path("/"), folder.prefix):
        found = sorted((root / "usr/share/python-wheels").glob("pip-*.whl"))
        if found:
            return found[-1]
    if shutil.which("apt-get") is None:
        raise CannotGoOnError("This Python has neither ensurepip nor pip, and there is no apt-get to fetch pip with.")
    try:
        # The system's lists save ten seconds where there are any; pip then brings everything else by itself.
        _unpack_pip(Apt(folder.state / "apt-pip", log=log, lists=SYSTEM_LISTS), folder, log=log)
    except CannotGoOnError:
        apt = Apt(folder.state / "apt-pip", log=log)
        apt.update()
        _unpack_pip(apt, folder, log=log)
    return pip_wheel(folder, log=log)


def _unpack_pip(apt: Apt, folder: Folder, *, log: Path) -> None:
    for deb in apt.download(["python3-pip-whl"]):
        run(["dpkg", "-x", deb, folder.prefix], doing="Unpacking pip", log=log)
    apt.forget()
