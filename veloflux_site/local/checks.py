"""`manage.py test`: every check and every test, on a PostgreSQL and a Redis of their own, beside a running `up`."""

import argparse
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from veloflux_site.local import browser, django, environment, haproxies, servers, setup, venv
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
    """Run what was asked; every part, even after one that failed. Returns 0 only if all of it passed."""
    folder.prepare()
    known = _prepare(folder, asked)
    results: dict[str, int] = {}
    for name, words in CHECKS if asked.checks else ():
        results[name] = _step(name, words, folder=folder, env=_environment({"DJANGO_SETTINGS_MODULE": ""}))
    if asked.tests:
        results["tests"] = _fast(folder, asked) if asked.fast else _tests(folder, asked, known)
    failed = [name for name, status in results.items() if status != 0]
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
    say(f"{name}: {'passed' if status == 0 else f'FAILED (exit status {status})'}, {time.monotonic() - began:.1f} s")
    return status


def _environment(known: Mapping[str, str]) -> dict[str, str]:
    """The caller's, without any setting of a running VeloFlux, and with the run's own."""
    theirs = {name: value for name, value in os.environ.items() if not _is_ours(name)}
    return theirs | {name: value for name, value in known.items() if value}


def _is_ours(name: str) -> bool:
    return name.startswith("VELOFLUX_") or environment.is_setting(name)


def _pytest(words: Sequence[str], known: Settings, *, folder: Folder) -> int:
    env = _environment(known | {"DJANGO_SETTINGS_MODULE": "tests.settings"})
    return _step("tests", ("pytest", *words), folder=folder, env=env)


def _fast(folder: Folder, asked: Asked) -> int:
    with servers.run_folder(folder) as home:
        known = servers.settings(folder, binaries={}, home=home)
        return _pytest(("tests/unit", *asked.words), known, folder=folder)


def _tests(folder: Folder, asked: Asked, binaries: Settings) -> int:
    chromium = browser.have(folder)
    words = asked.words
    if chromium.missing:
        say(f"browser tests are left out: {chromium.missing}")
        words = words if "-m" in words else (*words, "-m", "not browser")
    versions = {}
    if asked.matrix:
        versions = haproxies.have(folder, installed=Path(binaries["VELOFLUX_HAPROXY"]))
    with servers.run_folder(folder) as home:
        known = servers.settings(folder, binaries=binaries, home=home) | {
            "VELOFLUX_TEST_BROWSER": chromium.path,
            "PLAYWRIGHT_NODEJS_PATH": chromium.node,
            "VELOFLUX_TEST_HAPROXY": binaries["VELOFLUX_HAPROXY"],
            "VELOFLUX_HAPROXIES": haproxies.as_setting(versions),
        }
        say("starting a PostgreSQL and a Redis for the tests")
        with servers.running(known, home=home):
            django.collect_static(known, folder=folder)
            return _pytest(words, known, folder=folder)


def bench(folder: Folder, words: Sequence[str]) -> int:
    """Measure, on servers that write to the disk as they do for `up`."""
    folder.prepare()
    binaries = setup.machine(folder, requirements=venv.DEVELOPMENT)
    with servers.run_folder(folder) as home:
        known = servers.settings(folder, binaries={name: binaries[name] for name in setup.BINARIES}, home=home)
        with servers.running(known, home=home, durable=True):
            django.collect_static(known, folder=folder)
            return _step("bench", ("tests.bench", *words), folder=folder, env=_environment(known))
