"""A console and its worker on the test's database, for a browser: pages, passkeys and mails as they are in use."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from tenants.models import User
from tenants.roles import Role
from tests import build
from tests.conftest import World
from tests.live import stack
from tests.live.stack import ROOT, Program, until
from tests.live.status import redis_server

NARROW, WIDE = ViewportSize(width=390, height=844), ViewportSize(width=1280, height=860)


@dataclass
class Console:
    """`url` names localhost: a passkey belongs to a name, never to an address."""

    port: int
    mails: Path

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def link(self, to: str, path: str) -> str:
        """The newest mail's link for this address."""
        return str(until(lambda: self._link(to, path), what=f"a mail to {to}"))

    def _link(self, to: str, path: str) -> str | None:
        for file in sorted(self.mails.glob("*"), key=lambda file: file.stat().st_mtime_ns, reverse=True):
            text = file.read_text(errors="replace").replace("=\n", "")
            if f"To: {to}" in text and (found := re.search(rf"/{path}/\S+", text)):
                return self.url + found[0]
        return None


@pytest.fixture(scope="package")
def processes(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Console]:
    folder = tmp_path_factory.mktemp("people")
    with redis_server.running(tmp_path_factory.mktemp("redis")) as redis, django_db_blocker.unblock():
        at = connection.settings_dict
        url = f"postgres://{at['USER']}:{at['PASSWORD']}@{at['HOST']}:{at['PORT']}/{at['NAME']}"
        port = stack.free_port()
        env = stack.environment(folder, url, redis.url) | {
            "VELOFLUX_BASE_URL": f"http://localhost:{port}",
            "VELOFLUX_VERIFY_EMAIL": "true",
            **{name: os.environ[name] for name in ("VELOFLUX_JWT_KEY", "VELOFLUX_ENCRYPTION_KEYS")},
            "VELOFLUX_SECRET_KEY": os.environ["VELOFLUX_SECRET_KEY"],
        }
        subprocess.run([sys.executable, "-m", "veloflux_site.local.collect"], env=env, cwd=ROOT, check=True)
        uvicorn = ["-m", "uvicorn", "veloflux_site.asgi:application", "--port", str(port), "--lifespan", "off"]
        programs = [
            Program("web", [sys.executable, *uvicorn], env, folder / "web.log"),
            Program(
                "control",
                stack.celery("veloflux_site.celery", "--pool", "threads", "-c", "2", "-Q", "control"),
                env,
                folder / "control.log",
            ),
        ]
        for program in programs:
            program.start()
        try:
            until(
                lambda: httpx.get(f"http://localhost:{port}/health/live").status_code == 200,
                within=60,
                what="a console",
            )
            yield Console(port, folder / "mail")
        finally:
            for program in programs:
                program.kill()


@pytest.fixture
def console(committed: World, processes: Console) -> Console:
    return processes


@pytest.fixture
def person(committed: World) -> User:
    """Of ours, an operator, with `build.PASSWORD` and a proven address."""
    from tests.build import NOW

    return build.member(committed.ours, Role.OPERATOR, password=build.PASSWORD, email_verified_at=NOW)


@pytest.fixture
def open_page(browser: Browser, console: Console) -> Iterator[Callable[..., Page]]:
    """`open_page(locale="pt-BR", theme="dark", narrow=True)`. At the end: no script error, no broken policy, no 5xx."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def make(*, locale: str = "en-US", theme: str = "light", narrow: bool = False, javascript: bool = True) -> Page:
        context = browser.new_context(
            base_url=console.url,
            locale=locale,
            viewport=NARROW if narrow else WIDE,
            color_scheme="dark" if theme == "dark" else "light",
            java_script_enabled=javascript,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
        page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
        page.on("response", lambda answer: wrong.append(answer.url) if answer.status >= 500 else None)
        return page

    yield make
    for context in contexts:
        context.close()
    assert wrong == []


def sign_in(page: Page, person: User, password: str = build.PASSWORD) -> None:
    page.goto("/login")
    page.locator("[name=email]").fill(person.email)
    page.locator("[name=password]").fill(password)
    page.locator("main form button.btn-primary").click()
