"""What a given HAProxy can do, by its version string."""

import re
from dataclasses import dataclass

_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+)|-dev\d+)?")
OLDEST = (2, 6, 0)


class UnknownVersion(ValueError):
    """A version string in which there is no version."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """A capability profile (`haproxy.md` 1.6). Debian's 2.6.12 only takes CVE fixes: it is not upstream's 2.6.x."""

    version: tuple[int, int, int]
    debian: bool = False

    def __str__(self) -> str:
        return ".".join(map(str, self.version)) + (" (Debian)" if self.debian else "")

    @property
    def too_old(self) -> bool:
        return self.version < OLDEST

    @property
    def stale_patches(self) -> bool:
        """Bugs fixed in upstream's later 2.6.x are still in it."""
        return self.debian and self.version[:2] == (2, 6)

    @property
    def reload_answers(self) -> bool:
        """`reload` on the master socket says `Success=0|1` and why, once it is done."""
        return self.version >= (2, 7, 0)

    @property
    def fast_map(self) -> bool:
        """`set map` and `del map` no longer walk the whole map (5.5 ms at 100,000 entries before)."""
        return self.version >= (2, 9, 0)

    @property
    def wait_removable(self) -> bool:
        """`wait <delay> srv-removable <server>` exists."""
        return self.version >= (3, 0, 0)

    @property
    def cookie_at_run_time(self) -> bool:
        """`add server` takes `cookie` (`haproxy.md` 1.2)."""
        return self.version >= (3, 0, 0)

    @property
    def optional_maps(self) -> bool:
        """`opt@` and `virt@` maps need no file at start."""
        return self.version >= (3, 0, 0)

    @property
    def worker_parses(self) -> bool:
        """The worker, not the master, reads the configuration; `show proc` looks different after a failed reload."""
        return self.version >= (3, 1, 0)

    @property
    def initial_state(self) -> bool:
        """Servers take `init-state`: down until checked, without our detour."""
        return self.version >= (3, 1, 0)

    @property
    def idle_blocks_removal(self) -> bool:
        """`del server` is refused while idle connections to the server are kept."""
        return self.version >= (3, 3, 0)


def parse_version(text: str) -> Capabilities:
    """Read "2.6.12-1+deb12u4", "HAProxy version 3.0.5-8e879a5 ...", "3.2-dev4" and the like.

    Raises `UnknownVersion`.
    """
    found = _VERSION.search(text)
    if found is None:
        raise UnknownVersion("no version in what HAProxy says about itself")
    major, minor, patch = found.groups()
    first_words = text[found.start() :].split(maxsplit=1)[0]
    debian = "+deb" in first_words or "~bpo" in first_words
    return Capabilities((int(major), int(minor), int(patch or 0)), debian)
