"""Ask the real HAProxy about a tenant's own part, in a tree of its own that holds nothing else, and point at objects.

It gets no environment, no network to listen on (`-c` binds nothing), a read-only tree, little memory and little time;
where the console runs as root, it runs as nobody.
"""

import os
import re
import resource
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from balancer.edge.check import words
from balancer.haproxy.desired import Tenant
from balancer.haproxy.render import NodeSettings, proxy_name, render_tree
from balancer.haproxy.text import Unprintable
from tenants.errors import FieldError

SECONDS = 10
MEMORY = 1 << 30  # HAProxy reserves what its connections may need
NOBODY = 65534
PLACE = re.compile(r"\[[^\]]*?([\w.-]+\.cfg):(\d+)\]")
UNSAFE = re.compile(r"^\s*:?\s*(?:parsing\s*)?:?\s*")
# The first words of a line → the field that it is made from.
FIELDS = {
    "balance": "algorithm", "hash-type": "algorithm", "retries": "retries", "timeout connect": "timeouts/connect",
    "timeout server": "timeouts/server", "timeout queue": "timeouts/queue", "timeout check": "health_check/timeout",
    "option httpchk": "health_check", "http-check send": "health_check",
    "http-check expect": "health_check/expected_status",
    "cookie": "sticky", "stick": "sticky", "stick-table": "sticky",
}  # fmt: skip
NONE_HERE = "HAProxy is not installed where the console runs, so that only our own rules were asked."


@dataclass(frozen=True, slots=True)
class Verdict:
    """`asked` False: there is no HAProxy here; `note` says so."""

    asked: bool
    errors: tuple[FieldError, ...] = ()
    version: str = ""
    note: str = ""


def judge(state: Tenant, *, names: Mapping[str, str]) -> Verdict:
    """`names`: key in HAProxy → pointer to the object in what was sent."""
    if not settings.HAPROXY:
        return Verdict(False, note=NONE_HERE)
    with tempfile.TemporaryDirectory(prefix="veloflux-check-") as folder:
        try:
            tree = render_tree([state], node_of(folder))
        except Unprintable as error:
            return Verdict(True, (FieldError("", "unprintable", f"A text cannot be written: {error}."),))
        paths = laid_out(Path(folder), tree)
        try:
            said = asked(Path(folder), paths)
        except FileNotFoundError:
            return Verdict(False, note=NONE_HERE)
        except subprocess.TimeoutExpired:
            return Verdict(True, (FieldError("", "too_slow", f"HAProxy needed more than {SECONDS} s to read this."),))
    return Verdict(True, tuple(errors_of(said, tree, state, names)))


def node_of(folder: str) -> NodeSettings:
    return NodeSettings(run_folder=f"{folder}/run", http_bind="127.0.0.1:9", threads=1, max_connections=100)


def laid_out(folder: Path, tree: Mapping[str, str]) -> list[Path]:
    """Files and folders that nobody may write."""
    (folder / "run").mkdir()
    for name, text in tree.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o444)
    for place in (folder / "run", *{(folder / name).parent for name in tree}):
        place.chmod(0o755)
    return [folder / name for name in sorted(tree) if name.endswith(".cfg")]


def asked(folder: Path, paths: list[Path]) -> str:
    """HAProxy's words; empty where it takes it. Raises FileNotFoundError, TimeoutExpired."""
    as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    command = [settings.HAPROXY, "-c", *(word for path in paths for word in ("-f", str(path)))]
    process = subprocess.Popen(
        command, env={}, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        start_new_session=True, **as_nobody,  # type: ignore[call-overload]
    )  # fmt: skip
    try:
        bounded(process.pid)
        said = process.communicate(timeout=SECONDS)[1].decode(errors="replace")
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return said if process.returncode else ""


def bounded(pid: int) -> None:
    limits = ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_FSIZE, 0))
    try:
        for what, most in limits:
            resource.prlimit(pid, what, (most, most))
    except (ProcessLookupError, PermissionError):
        return  # it has ended, or runs as another: the clock still bounds it


def errors_of(said: str, tree: Mapping[str, str], state: Tenant, names: Mapping[str, str]) -> Iterator[FieldError]:
    alerts = [line for line in said.splitlines() if line.startswith("[ALERT]")]
    found = False
    for alert in alerts:
        place = PLACE.search(alert)
        sentence = told(alert)
        if place is None or not sentence:
            continue
        found = True
        yield FieldError(pointer_of(tree.get(place[1], ""), int(place[2]), state, names), "haproxy", sentence)
    if said and not found:
        yield FieldError("", "haproxy", words(said)[:500] or "HAProxy does not accept this.")


def told(alert: str) -> str:
    """Without the place: a line of a file that nobody sees says nothing."""
    return UNSAFE.sub("", PLACE.sub("", words(alert))).strip(" :")[:500]


def pointer_of(text: str, line: int, state: Tenant, names: Mapping[str, str]) -> str:
    lines = text.splitlines()[:line]
    section = next((one.split()[1] for one in reversed(lines) if one and not one[0].isspace() and " " in one), "")
    pool = next((one for one in state.pools if proxy_name(state.key, one.key) == section), None)
    if pool is None:
        return "/routes" if section.startswith(f"{state.key}_") else ""
    at = lines[-1].split() if lines else []
    if at[:1] == ["server"] and len(at) > 1 and at[1] in names:
        return f"{names[at[1]]}/address"
    field = FIELDS.get(" ".join(at[:2])) or FIELDS.get(at[0] if at else "", "")
    return names.get(pool.key, "/pools") + (f"/{field}" if field else "")
