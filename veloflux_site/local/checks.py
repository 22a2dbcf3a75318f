"""`manage.py test`: every check and every test, on a PostgreSQL and a Redis of their own, beside a running `up`."""

import argparse
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from veloflux_site.local import browser, django, environment, haproxies, orphans, servers, setup, venv
from veloflux_site.local.browser import Browser
from veloflux_site.local.environment import Settings
from veloflux_site.local.folder import Folder
from veloflux_site.local.say import say

# Name and module with arguments; each runs in the venv, from the root of the project.
CHECKS = (
    ("ruff", ("ruff", "check", ".")),
    ("format", ("ruff", "format", "--check", "--quiet", ".")),
    ("floors", ("importlinter.cli", "lint")),
    ("types", ("mypy", ".")),
)

NODE_TESTS = ("tests/live/edge", "tests/live/test_core_accepts.py", "tests/live/test_core_runs.py")
NOTHING_FOUND = 5  # pytest's exit status when no test was selected
MOST_WORKERS = 4  # each has a database, a number of Redis's sixteen, and servers of its own


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of it to run; `words` are pytest's own arguments."""

    checks: bool
    tests: bool
    fast: bool
    matrix: bool
    words: tuple[str, ...]


def parse(line: Sequence[str]) -> Asked:
    ours, words = _split(line)
    parser = argparse.ArgumentParser(
        prog="manage.py test",
        description="Run ruff, import-linter, mypy and pytest. What follows -- goes to pytest; then only tests run.",
        epilog="Example: manage.py test -- tests/db -k drain",
    )
    parser.add_argument("--checks", action="store_true", help="only ruff, import-linter and mypy")
    parser.add_argument("--fast", action="store_true", help="only the unit tests: no database, no HAProxy, no browser")
    parser.add_argument("--matrix", action="store_true", help="fetch HAProxy 2.8, 3.0 and 3.2 too, where possible")
    options = parser.parse_args(ours)
    if options.checks and (options.fast or words):
        parser.error("--checks runs no tests, so it goes with nothing else")
    return Asked(
        checks=options.checks or not (options.fast or words),
        tests=not options.checks,
        fast=options.fast,
        matrix=options.matrix,
        words=words,
    )


def _split(line: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    listed = list(line)
    if "--" not in listed:
        return listed, ()
    at = listed.index("--")
    return listed[:at], tuple(listed[at + 1 :])


def run(folder: Folder, asked: Asked) -> int:
    """Run what was asked; every part, even after one that failed. Returns 0 only if all of it passed.

    Interrupted, it leaves nothing running: pytest's workers end without a word to the servers that they started.
    """
    with orphans.ended_at_exit():
        return _run(folder, asked)


def _run(folder: Folder, asked: Asked) -> int:
    folder.prepare()
    known = _prepare(folder, asked)
    results: dict[str, int] = {}
    for name, words in CHECKS if asked.checks else ():
        results[name] = _step(name, words, folder=folder, env=_environment({"DJANGO_SETTINGS_MODULE": ""}))
    if asked.tests:
        results |= _fast(folder, asked) if asked.fast else _tests(folder, asked, known)
    failed = [name for name, status in results.items() if status != 0]
    if set(failed) - {name for name, _ in CHECKS}:
        say("a test alone: python3 manage.py test -- '<its name, as behind FAILED above>'")
    say(f"FAILED: {', '.join(failed)}" if failed else f"passed: {', '.join(results)}")
    return 1 if failed else 0


def _prepare(folder: Folder, asked: Asked) -> Settings:
    """The binaries' paths; only the venv where no server is needed."""
    if asked.fast or not asked.tests:
        venv.make(folder, venv.DEVELOPMENT)
        return {}
    known = setup.machine(folder, requirements=venv.DEVELOPMENT)
    return {name: known[name] for name in setup.BINARIES}


def _step(name: str, words: Sequence[str], *, folder: Folder, env: Mapping[str, str]) -> int:
    say(name)
    began = time.monotonic()
    status = subprocess.run([folder.python, "-m", *words], cwd=folder.root, env=env, check=False).returncode
    outcome = {0: "passed", NOTHING_FOUND: "nothing to run"}.get(status, f"FAILED (exit status {status})")
    say(f"{name}: {outcome}, {time.monotonic() - began:.1f} s")
    return status


def _environment(known: Mapping[str, str]) -> dict[str, str]:
    """The caller's, without any setting of a running VeloFlux, and with the run's own."""
    theirs = {name: value for name, value in os.environ.items() if not _is_ours(name)}
    return theirs | {name: value for name, value in known.items() if value}


def _is_ours(name: str) -> bool:
    return name.startswith("VELOFLUX_") or environment.is_setting(name)


def workers(asked: Asked) -> tuple[str, ...]:
    """pytest-xdist's words: several workers for all tests, even on one core, since half of the time goes by waiting;
    none for a few tests, which are there sooner than a second database. More than cores were quicker by a sixth, and
    failed by their timing on a machine that others slowed down."""
    cores = len(os.sched_getaffinity(0))
    return () if asked.words else ("-n", str(min(max(cores, 2), MOST_WORKERS)))


def _pytest(words: Sequence[str], known: Settings, *, folder: Folder, name: str = "tests") -> int:
    env = _environment(known | {"DJANGO_SETTINGS_MODULE": "tests.settings"})
    return _step(name, ("pytest", *words), folder=folder, env=env)


def _fast(folder: Folder, asked: Asked) -> dict[str, int]:
    with servers.run_folder(folder) as home:
        known = servers.settings(folder, binaries={}, home=home)
        return {"tests": _pytest(("tests/unit", *workers(asked), *asked.words), known, folder=folder)}


def _tests(folder: Folder, asked: Asked, binaries: Settings) -> dict[str, int]:
    chromium = browser.have(folder)
    installed = Path(binaries["VELOFLUX_HAPROXY"])
    others = haproxies.have(folder, installed=installed) if asked.matrix else {}
    with servers.run_folder(folder) as home:
        known = servers.settings(folder, binaries=binaries, home=home) | {
            "VELOFLUX_TEST_BROWSER": chromium.path,
            "PLAYWRIGHT_NODEJS_PATH": chromium.node,
            "VELOFLUX_TEST_HAPROXY": binaries["VELOFLUX_HAPROXY"],
        }
        say("starting a PostgreSQL and a Redis for the tests")
        with servers.running(known, home=home):
            django.collect_static(known, folder=folder)
            return _parts(folder, asked, known, chromium) | _matrix(folder, others, known, installed)


def _matrix(folder: Folder, versions: Mapping[str, Path], known: Settings, installed: Path) -> dict[str, int]:
    """What drives a node, once more for each HAProxy that is not the machine's own."""
    return {
        f"HAProxy {version}": _pytest(
            NODE_TESTS, known | {"VELOFLUX_TEST_HAPROXY": str(path)}, folder=folder, name=f"a node on HAProxy {version}"
        )
        for version, path in versions.items()
        if path != installed
    }


def _parts(folder: Folder, asked: Asked, known: Settings, chromium: Browser) -> dict[str, int]:
    """Browser tests in a process of their own: Playwright leaves an event loop running in the thread of the tests."""
    if "-m" in asked.words:
        return {"tests": _pytest(asked.words, known, folder=folder)}
    beside = workers(asked)
    statuses = {"tests": _pytest(("-m", "not browser", *beside, *asked.words), known, folder=folder)}
    if chromium.path:
        words = ("-m", "browser", *beside, *asked.words)
        statuses["browser"] = _pytest(words, known, folder=folder, name="browser tests")
    else:
        say(f"browser tests are left out: {chromium.missing}")
    return found_in(statuses)


def found_in(statuses: Mapping[str, int]) -> dict[str, int]:
    """A part in which nothing was asked for has not failed, as long as another had something."""
    if set(statuses.values()) == {NOTHING_FOUND}:
        return dict(statuses)
    return {part: 0 if status == NOTHING_FOUND else status for part, status in statuses.items()}


def bench(folder: Folder, words: Sequence[str]) -> int:
    """Measure, on servers that write to the disk as they do for `up`."""
    folder.prepare()
    binaries = setup.machine(folder, requirements=venv.DEVELOPMENT)
    with servers.run_folder(folder) as home:
        known = servers.settings(folder, binaries={name: binaries[name] for name in setup.BINARIES}, home=home)
        with servers.running(known, home=home, durable=True):
            django.collect_static(known, folder=folder)
            return _step("bench", ("tests.bench", *words), folder=folder, env=_environment(known))
