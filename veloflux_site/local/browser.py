"""A Chromium for the browser tests: the machine's, a package's, or Playwright's own download."""

import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from veloflux_site.local import launch, packages, prefix
from veloflux_site.local.folder import Folder
from veloflux_site.local.say import CannotGoOnError, say
from veloflux_site.local.shell import run

NAMES = ("chromium-headless-shell", "chromium", "google-chrome", "chromium-browser")
PACKAGE = "chromium-headless-shell"


@dataclass(frozen=True, slots=True)
class Browser:
    """`path` is empty where there is none, and `missing` says why."""

    path: str = ""
    missing: str = ""
    node: str = ""  # Playwright's driver, where its own does not start


def have(folder: Folder) -> Browser:
    """Find one that starts, or fetch one. Never raises for a browser that cannot be had."""
    try:
        node = _driver(folder)
    except CannotGoOnError as reason:
        return Browser(missing=f"Playwright does not start: {str(reason).splitlines()[0]}")
    return replace(_browser(folder, node), node=node)


def _driver(folder: Folder) -> str:
    """Playwright's Node wants libatomic, which a minimal machine has not. Empty where it starts as it is."""
    own = next(folder.venv.glob("lib/python*/site-packages/playwright/driver/node"))
    if _speaks(own):
        return ""
    packages.get(["libatomic1"], folder=folder)
    if _speaks(own):
        return ""
    wrapper = folder.prefix / "bin" / "playwright-node"
    prefix.wrap(own, wrapper, folder.prefix)
    if not _speaks(wrapper):
        raise CannotGoOnError("its Node lacks a library that we do not know.")
    return str(wrapper)


def _speaks(node: Path) -> bool:
    return subprocess.run([node, "--version"], capture_output=True, check=False).returncode == 0


def _browser(folder: Folder, node: str) -> Browser:
    reasons: list[str] = []
    for attempt in (_package, _playwright):
        path = _find(folder)
        if path:
            return Browser(path=path)
        try:
            attempt(folder, node)
        except CannotGoOnError as reason:
            reasons.append(str(reason).splitlines()[0])
    path = _find(folder)
    return Browser(path=path) if path else Browser(missing="no Chromium starts on this machine: " + "; ".join(reasons))


def _find(folder: Folder) -> str:
    """The first that really starts: Ubuntu's `chromium-browser` is only a stub that wants snap."""
    places = f"{os.environ.get('PATH', '')}:/usr/bin:{folder.prefix / 'bin'}"
    named = (os.environ.get("VELOFLUX_TEST_BROWSER"), *(shutil.which(name, path=places) for name in NAMES))
    downloaded = sorted(_downloads(folder).glob("chromium*/*/*headless[-_]shell"))
    return next((str(path) for path in (*named, *downloaded) if path and starts(Path(path))), "")


def starts(path: Path) -> bool:
    """Whether it renders an empty page; without its sandbox, as Playwright starts it, for our own pages only."""
    command: list[str | Path] = [path, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "about:blank"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and b"<html>" in done.stdout


def _package(folder: Folder, node: str) -> None:
    packages.get([PACKAGE], folder=folder)


def _downloads(folder: Folder) -> Path:
    return folder.state / "browsers"


def _playwright(folder: Folder, node: str) -> None:
    """Ubuntu has no Chromium package; Playwright brings one, and as root also the libraries that it needs."""
    say("downloading a Chromium with Playwright")
    env = launch.common(os.environ) | {"PLAYWRIGHT_BROWSERS_PATH": str(_downloads(folder))}
    env |= {"PLAYWRIGHT_NODEJS_PATH": node} if node else {}
    words = ["--with-deps"] if os.geteuid() == 0 else []
    command: list[str | Path] = [folder.python, "-m", "playwright", "install", *words, "--only-shell", "chromium"]
    run(command, doing="Downloading Chromium with Playwright", log=folder.log / "browser.log", env=env, seconds=300)
