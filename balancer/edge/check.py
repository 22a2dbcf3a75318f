"""`haproxy -c`, and what it says, in words that may be shown."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from balancer.edge.errors import EdgeError

TIMEOUT_S = 60
NOISE = re.compile(r"^\[(?:ALERT|WARNING)\]\s*\(\d+\)\s*:\s*(?:config\s*:\s*)?")
PATHS = re.compile(r"(?:/[\w.@+-]+)+/")


class TreeRefused(EdgeError):
    """HAProxy does not take this configuration; the message is its words without paths."""


def check(haproxy: str, configuration: Iterable[Path]) -> None:
    """Raise TreeRefused unless HAProxy would start with these files. It gets no environment to reveal."""
    arguments = [word for path in configuration for word in ("-f", str(path))]
    try:
        done = subprocess.run(
            [haproxy, "-c", *arguments], env={}, capture_output=True, timeout=TIMEOUT_S, check=False, cwd="/"
        )
    except subprocess.TimeoutExpired as error:
        raise TreeRefused(f"HAProxy did not finish reading the configuration in {TIMEOUT_S} s.") from error
    if done.returncode != 0:
        raise TreeRefused(words(done.stderr.decode(errors="replace")))


def words(output: str) -> str:
    """The alerts, one per line. Paths are taken out: they tell about the node, not about the mistake."""
    alerts = [NOISE.sub("", line) for line in output.splitlines() if line.startswith("[ALERT]")]
    told = [line for line in alerts if not line.startswith(("Fatal errors found", "Error(s) found"))]
    return PATHS.sub("", "\n".join(told or alerts or output.splitlines()[-3:])).strip()
