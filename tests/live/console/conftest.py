"""A real browser on the whole product. Set VELOFLUX_TEST_BROWSER to a Chromium; without one these tests are skipped."""

import os
import secrets
from collections.abc import Callable, Iterator

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from tests.live import stack as stacks
from tests.live.console.visitor import Visitor, Watch
from tests.live.origins import Origin, start
from tests.live.stack import Stack
from tests.live.status import redis_server

NARROW, WIDE = ViewportSize(width=390, height=844), ViewportSize(width=1360, height=860)


@pytest.fixture(scope="package")
def console_database() -> Iterator[str]:
    base, _, _ = os.environ["VELOFLUX_DATABASE_URL"].rpartition("/")
    name = f"console_{secrets.token_hex(4)}"
    with psycopg.connect(f"{base}/postgres", autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    yield f"{base}/{name}"
    with psycopg.connect(f"{base}/postgres", autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="package")
def product(browser: Browser, console_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with (
        redis_server.running(tmp_path_factory.mktemp("redis")) as server,
        stacks.running(tmp_path_factory.mktemp("console"), console_database, server.url) as running,
    ):
        yield running


@pytest.fixture
def visit(browser: Browser, product: Stack) -> Iterator[Callable[..., Visitor]]:
    """Someone at a browser of their own: `visit(locale="pt-BR", theme="dark", narrow=True, javascript=False)`.

    Whatever they did, at the end: no console error, no CSP violation, no foreign request, no 5xx, no other tenant's id.
    """
    opened: list[tuple[BrowserContext, Watch]] = []

    def make(*, locale: str = "en-US", theme: str = "light", narrow: bool = False, javascript: bool = True) -> Visitor:
        context = browser.new_context(
            viewport=NARROW if narrow else WIDE,
            locale=locale,
            color_scheme="dark" if theme == "dark" else "light",
            java_script_enabled=javascript,
            base_url=product.console,
        )
        page: Page = context.new_page()
        watch = Watch(page, product.console)
        opened.append((context, watch))
        return Visitor(page, watch, product)

    yield make
    for context, _ in opened:
        context.close()
    for _, watch in opened:
        watch.assert_clean()


@pytest.fixture
def origins() -> Iterator[list[Origin]]:
    started = [start("left"), start("right")]
    yield started
    for origin in started:
        origin.stop()
