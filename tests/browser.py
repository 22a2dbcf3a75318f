"""One real Chromium for a whole run; `tests/conftest.py` makes it a fixture of all."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Set VELOFLUX_TEST_BROWSER to a Chromium; without one these tests are skipped."""
    path = os.environ.get("VELOFLUX_TEST_BROWSER", "")
    if not Path(path).is_file():
        pytest.skip("no browser: set VELOFLUX_TEST_BROWSER to a Chromium")
    with sync_playwright() as playwright:
        # A root user's Chromium refuses its own sandbox.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        started = playwright.chromium.launch(executable_path=path, args=arguments)
        yield started
        started.close()
