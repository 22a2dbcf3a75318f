"""What a person at the terminal reads: one short line per thing done, with the seconds since the start."""

import os
import sys
import time

STARTED = "VELOFLUX_LOCAL_STARTED"  # epoch seconds; handed on when manage.py replaces itself by the venv's Python


class CannotGoOnError(Exception):
    """An expected failure. Its text is whole sentences for a person: what is wrong, and what to do about it."""


def started() -> float:
    """Epoch seconds at which this command began, in this process or the one that it replaced."""
    return float(os.environ.setdefault(STARTED, repr(time.time())))


def say(text: str) -> None:
    print(f"{time.time() - started():6.1f} s  {text}", flush=True)


def complain(text: str) -> None:
    sys.stdout.flush()
    print(f"\n{text}", file=sys.stderr, flush=True)
