"""Run a program to its end, with its words in a log file, and only show them when it fails."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from veloflux_site.local.say import CannotGoOnError


def run(
    command: Sequence[str | Path],
    *,
    doing: str,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    seconds: float | None = None,
) -> str:
    """Run it and return what it wrote to stdout. Raises CannotGoOnError with its last words when it fails."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with log.open("a") as words:
        words.write(f"\n$ {' '.join(map(str, command))}\n")
        words.flush()
        start = log.stat().st_size
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=words,
                env=env,
                cwd=cwd,
                timeout=seconds,
                text=True,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            raise CannotGoOnError(f"{doing} took longer than {seconds:.0f} s. Its words are in {log}.") from late
        words.write(done.stdout)
    if done.returncode != 0:
        raise CannotGoOnError(
            f"{doing} failed (exit status {done.returncode}):\n{tail(log, since=start)}\nAll of it: {log}"
        )
    return done.stdout


def tail(log: Path, *, lines: int = 12, since: int = 0) -> str:
    """The last lines of a log from byte `since` on, indented; empty where there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(since)
        text = file.read().decode(errors="replace")
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:] if line.strip())
