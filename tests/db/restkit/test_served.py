"""The console as it is served: a real ASGI server, many tenants at once, and a real browser on the API's documents."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.db import connection
from playwright.sync_api import Browser, ConsoleMessage, Request

from tests import build
from tests.conftest import World
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 100  # ReDoc draws the whole document, which a busy machine has taken 40 for
REQUESTS = 30


@pytest.fixture
def server(committed: World, tmp_path: Path) -> Iterator[str]:
    """Its address. On the tests' database, with the tests’ settings and the static files."""
    port = free_port()
    base = os.environ["VELOFLUX_DATABASE_URL"].rsplit("/", 1)[0]
    url = f"{base}/{connection.settings_dict['NAME']}"
    env = os.environ | {"VELOFLUX_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.served_settings"}
    command = [sys.executable, "-m", "uvicorn", "veloflux_site.asgi:application", "--port", str(port)]
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(address, process)
            yield address
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"{address}/api").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("The server did not start.")


def test_tenants_at_once_on_a_real_server_never_mix(server: str, committed: World) -> None:
    who = ((committed.ours, committed.owner), (committed.theirs, committed.their_owner))
    for tenant, _ in who:
        build.pool(tenant, name=tenant.slug)
    clients = [build.api(person, tenant).credential or "" for tenant, person in who]

    async def ask() -> list[list[str]]:
        async with httpx.AsyncClient(base_url=server, timeout=SECONDS) as http:

            async def names(credential: str) -> list[str]:
                answer = await http.get("/api/pools", headers={"Authorization": credential})
                return [row["name"] for row in answer.json()["items"]]

            return await asyncio.gather(*(names(credential) for credential in clients * REQUESTS))

    assert asyncio.run(ask()) == [["ours"], ["theirs"]] * REQUESTS


@pytest.mark.browser
# Swagger UI only draws what is in sight: the address says which part that is.
@pytest.mark.parametrize(("path", "sign"), [("/api/docs#/pools", "List"), ("/api/redoc", "VeloFlux")])
def test_the_documents_open_in_a_browser_under_the_policy(browser: Browser, server: str, path: str, sign: str) -> None:
    """No violation, no error, nothing from elsewhere; and the page does show the endpoints."""
    complaints: list[str] = []
    asked: list[str] = []

    def said(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(message.text)

    def went(request: Request) -> None:
        asked.append(request.url)

    page = browser.new_page()
    page.on("console", said)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", went)
    page.goto(server + path)
    page.get_by_text("/api/pools", exact=False).first.wait_for(timeout=SECONDS * 1000)
    assert sign in page.content()
    page.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith((server, "data:", "blob:"))] == []
