"""npm's oidc-provider as a process of its own: fetched once into `.veloflux/test`, and only for these tests."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.live.stack import free_port, until

HERE = Path(__file__).parent / "interop"
KEPT = Path(__file__).resolve().parents[3] / ".veloflux" / "test" / "oidc-provider"
INSTALL_SECONDS = 300
START_SECONDS = 40


@dataclass(frozen=True, slots=True)
class Running:
    issuer: str
    log: Path


def installed() -> Path:
    """Where it lies. Skip, and say why, where there is no Node or no registry."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("no Node: the interoperation with npm's oidc-provider is not tried")
    KEPT.mkdir(parents=True, exist_ok=True)
    wanted = (HERE / "package.json").read_text()
    shutil.copy(HERE / "server.mjs", KEPT / "server.mjs")
    ready = KEPT / "installed.json"
    if ready.exists() and ready.read_text() == wanted:
        return KEPT
    (KEPT / "package.json").write_text(wanted)
    command = ["npm", "install", "--no-audit", "--no-fund", "--omit=dev", "--ignore-scripts"]
    try:
        done = subprocess.run(command, cwd=KEPT, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("the npm registry does not answer: the interoperation with oidc-provider is not tried")
    if done.returncode != 0:
        pytest.skip(f"npm could not fetch oidc-provider: {done.stderr.strip()[-300:]}")
    ready.write_text(wanted)
    return KEPT


@contextmanager
def running(folder: Path, *, redirect_uri: str, after_sign_out: str, backchannel: str) -> Iterator[Running]:
    port, log = free_port(), folder / "oidc-provider.log"
    command = ["node", "server.mjs", str(port), redirect_uri, after_sign_out, backchannel]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=installed(), stdout=out, stderr=out, env=dict(os.environ))
        issuer = f"http://127.0.0.1:{port}"
        try:
            until(lambda: answers(issuer), within=START_SECONDS, what="oidc-provider answering")
            yield Running(issuer, log)
        finally:
            process.kill()
            process.wait(10)


def answers(issuer: str) -> bool:
    return httpx.get(f"{issuer}/.well-known/openid-configuration").status_code == 200
