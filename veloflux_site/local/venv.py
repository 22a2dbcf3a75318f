"""The project's own Python: made once, brought to the requirements whenever these change."""

import hashlib
import importlib.util
import os
import shutil
import sys
from pathlib import Path

from veloflux_site.local import prefix
from veloflux_site.local.folder import Folder
from veloflux_site.local.say import say
from veloflux_site.local.shell import run

RUNTIME = "requirements.txt"
DEVELOPMENT = "requirements-dev.txt"


def ready(folder: Folder, requirements: str) -> bool:
    """Whether the venv holds what this file asks for."""
    note = folder.venv / f".{requirements}"
    return folder.python.exists() and note.exists() and note.read_text() == asked(folder, requirements)


def asked(folder: Folder, requirements: str) -> str:
    """A digest of the requirements and of the Python that they were installed for."""
    files = [folder.root / name for name in (RUNTIME, DEVELOPMENT) if name in (RUNTIME, requirements)]
    version = ".".join(map(str, sys.version_info[:2]))
    return hashlib.sha256(b"\0".join([version.encode(), *(file.read_bytes() for file in files)])).hexdigest()


def make(folder: Folder, requirements: str) -> None:
    """Have a venv with everything that the file pins. Raises CannotGoOnError with pip's words."""
    if ready(folder, requirements):
        return
    log = folder.log / "pip.log"
    if not _works(folder):
        shutil.rmtree(folder.venv, ignore_errors=True)
        _create(folder, log=log)
    say(f"installing {requirements} with pip")
    pip: list[str | Path] = [folder.python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    run(
        [*pip, "-r", folder.root / requirements],
        doing=f"pip install -r {requirements}",
        log=log,
        env=_clean_environment(),
    )
    (folder.venv / f".{requirements}").write_text(asked(folder, requirements))


def _works(folder: Folder) -> bool:
    """A venv of another Python version, or one whose Python is gone or never got its pip, is made anew."""
    packages = folder.venv / "lib" / "python{}.{}".format(*sys.version_info[:2]) / "site-packages"
    return folder.python.exists() and (packages / "pip").is_dir()


def _create(folder: Folder, *, log: Path) -> None:
    say("making a Python environment in .veloflux/venv")
    if importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv"):
        run([sys.executable, "-m", "venv", folder.venv], doing="Making a venv", log=log)
        return
    wheel = prefix.pip_wheel(folder, log=folder.log / "apt.log")
    run([sys.executable, "-m", "venv", "--without-pip", folder.venv], doing="Making a venv", log=log)
    install: list[str | Path] = [folder.python, f"{wheel}/pip", "install", "--quiet", "--no-index", "--no-deps", wheel]
    run(install, doing="Installing pip", log=log, env=_clean_environment())


def _clean_environment() -> dict[str, str]:
    """Ours with its PIP_*, proxies and certificates, without what would lead Python elsewhere."""
    return {name: value for name, value in os.environ.items() if name not in {"PYTHONHOME", "PYTHONPATH"}}
