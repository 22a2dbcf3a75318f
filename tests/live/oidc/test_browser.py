"""The company sign-in from end to end, in a real browser: set up, tried, used, ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import httpx
import pytest
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect
from playwright.sync_api import Error as PageError

from tenants.models import SsoProvider, User
from tenants.roles import Role
from tenants.scope import platform_scope
from tests import build
from tests.conftest import World
from tests.live.console.test_pages import SERIOUS
from tests.live.console.visitor import VIOLATIONS
from tests.live.oidc.provider import CLIENT, LOGOUT_EVENT, SECRET, Provider
from tests.live.stack import ROOT, free_port, until

pytestmark = [pytest.mark.live, pytest.mark.browser]
READY_SECONDS = 60
NARROW, WIDE = ViewportSize(width=390, height=844), ViewportSize(width=1360, height=860)


@pytest.fixture
def provider() -> Iterator[Provider]:
    ana = {"sub": "s-ana", "email": "ana@acme.test", "email_verified": True, "given_name": "Ana", "groups": ["ops"]}
    made = Provider(people={"ana": ana}, asks=True)
    yield made
    made.stop()


@pytest.fixture
def console(committed: World, tmp_path: Path) -> Iterator[str]:
    """Its address: a server of its own on the tests' database, which may go out to this machine."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    base = os.environ["VELOFLUX_DATABASE_URL"].rsplit("/", 1)[0]
    env = os.environ | {
        "VELOFLUX_DATABASE_URL": f"{base}/{connection.settings_dict['NAME']}",
        "VELOFLUX_OUTBOUND_ALLOWED": "127.0.0.1/32",
        "VELOFLUX_BASE_URL": address,
        "DJANGO_SETTINGS_MODULE": "tests.served_settings",
    }
    command = [sys.executable, "-m", "uvicorn", "veloflux_site.asgi:application", "--port", str(port)]
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        try:
            until(lambda: httpx.get(f"{address}/api").status_code == 200, within=READY_SECONDS, what="a console")
            yield address
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
            with platform_scope():
                SsoProvider.objects.all().delete()


@dataclass
class Somebody:
    page: Page
    wrong: list[str] = field(default_factory=list)

    def watch(self, *hosts: str) -> None:
        """No console error, no violation of the policy, nothing from elsewhere, no 5xx."""
        self.page.add_init_script(f"({VIOLATIONS})()")
        self.page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        self.page.on(
            "console", lambda message: self.wrong.append(message.text) if "Content Security" in message.text else None
        )
        self.page.on(
            "response",
            lambda answer: (
                self.wrong.append(f"{answer.status} {answer.url}")
                if answer.status >= 500 or not answer.url.startswith((*hosts, "data:"))
                else None
            ),
        )

    def goes_in(self) -> None:
        """By the link on the sign-in page."""
        self.page.goto("/login")
        self.page.get_by_test_id("sso-link").click()
        self.page.locator("#company").fill("ours")
        self.page.get_by_role("button", name="Go on").click()
        expect(self.page.get_by_role("heading", name="Sign in to ours")).to_be_visible()
        self.page.locator("main a.btn-primary").click()
        expect(self.page.get_by_role("heading", name="The provider")).to_be_visible()
        self.page.get_by_role("button", name="Sign in as ana").click()
        self.page.wait_for_url("**/t/ours/")


@pytest.fixture
def somebody(browser: Browser, console: str, provider: Provider) -> Iterator[Somebody]:
    context: BrowserContext = browser.new_context(base_url=console, viewport=WIDE, locale="en-US")
    made = Somebody(context.new_page())
    made.watch(console, provider.issuer)
    yield made
    context.close()
    assert made.wrong == []


def owner(world: World) -> User:
    return build.member(world.ours, Role.OWNER, password=build.PASSWORD, email="boss@ours.test")


def signs_in(page: Page, person: User) -> None:
    page.goto("/login")
    page.locator("[name=email]").fill(person.email)
    page.locator("[name=password]").fill(build.PASSWORD)
    page.locator("main form button").first.click()
    page.wait_for_url("**/t/ours/")


def sets_it_up(page: Page, provider: Provider) -> None:
    page.goto("/t/ours/sign-in")
    page.locator("[name=issuer]").fill(provider.issuer)
    page.locator("[name=client_id]").fill(CLIENT)
    page.locator("[name=client_secret]").fill(SECRET)
    page.locator("[name=group_roles]").fill("ops = operator")
    page.locator("[name=create_members]").check()
    page.locator("[name=enabled]").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_test_id("toast")).to_have_text("Saved.")


def test_from_setting_up_to_signing_out(
    somebody: Somebody, committed: World, provider: Provider, browser: Browser, console: str
) -> None:
    page = somebody.page
    signs_in(page, owner(committed))
    sets_it_up(page, provider)
    expect(page.locator("[name=client_secret]")).to_have_value("****")
    expect(page.locator("#redirect-uri")).to_have_text(f"{console}/auth/oidc/callback")
    expect(page.get_by_test_id("sso-status")).to_have_attribute("data-state", "on")
    page.get_by_role("button", name="Test it").click()
    expect(page.get_by_test_id("sso-steps")).to_have_attribute("data-passed", "true")
    assert (
        page.locator("[data-testid^=sso-step-]").evaluate_all("all => all.map(one => one.dataset.ok)") == ["true"] * 9
    )

    context = browser.new_context(base_url=console, viewport=WIDE, locale="en-US")
    ana = Somebody(context.new_page())
    ana.watch(console, provider.issuer)
    ana.goes_in()
    ana.page.goto("/t/ours/pools/new")  # an operator's page
    expect(ana.page.get_by_role("heading", name="New pool")).to_be_visible()
    refused = ana.page.goto("/t/ours/sign-in")
    assert refused is not None
    assert refused.status == 403

    ana.page.goto("/t/ours/")
    ana.page.locator(".vf-me > summary").click()
    ana.page.get_by_role("button", name="Sign out").click()
    expect(ana.page.get_by_role("heading", name="Signed out there")).to_be_visible()
    assert provider.asked("/logout")[0]["post_logout_redirect_uri"] == f"{console}/login"
    ana.page.goto("/t/ours/")
    expect(ana.page).to_have_url(f"{console}/login?next=/t/ours/")
    context.close()
    assert ana.wrong == []


def left(page: Page) -> bool:
    try:
        return not page.evaluate("window.before && document.querySelector('[data-testid=conn-chip][data-state=live]')")
    except PageError:  # on its way to the next page
        return False


def opened(page: Page, path: str) -> bool:
    try:
        page.goto(path)
    except PageError:  # it went somewhere by itself at the same moment
        return False
    return True


def test_the_providers_word_ends_it_and_the_door_opens_again(
    somebody: Somebody, committed: World, provider: Provider, console: str
) -> None:
    page = somebody.page
    signs_in(page, owner(committed))
    sets_it_up(page, provider)
    page.context.clear_cookies()
    somebody.goes_in()
    chip = page.get_by_test_id("conn-chip")
    expect(chip).to_have_attribute("data-state", "live", timeout=15_000)
    page.evaluate("window.before = true")
    told = httpx.post(
        f"{console}/auth/oidc/backchannel-logout/ours",
        data={"logout_token": provider.logout_token(events={LOGOUT_EVENT: {}})},
    )
    assert told.status_code == 200, told.text
    # The page's socket is closed, and the page asked for anew. The provider still knows the person here: the next one
    # is there without a word.
    until(lambda: left(page), what="the socket's end, or the page that follows")
    until(lambda: opened(page, "/t/ours/pools"), what="the next page")
    expect(page.get_by_role("heading", name="Pools", exact=True)).to_be_visible()
    provider.signed_in = False
    httpx.post(f"{console}/auth/oidc/backchannel-logout/ours", data={"logout_token": provider.logout_token()})
    until(lambda: opened(page, "/t/ours/pools"), what="the door")
    expect(page.get_by_role("heading", name="Sign in to ours")).to_be_visible()


@pytest.mark.parametrize(("locale", "theme", "narrow"), [("en-US", "light", False), ("pt-BR", "dark", True)])
def test_the_pages_speak_fit_and_are_for_everybody(
    browser: Browser, console: str, committed: World, provider: Provider, locale: str, theme: str, narrow: bool
) -> None:
    context = browser.new_context(
        base_url=console,
        viewport=NARROW if narrow else WIDE,
        locale=locale,
        color_scheme="dark" if theme == "dark" else "light",
    )
    one = Somebody(context.new_page())
    one.watch(console, provider.issuer)
    axe = (resources.files("axe_playwright_python") / "axe.min.js").read_text()
    words = {"en-US": "Sign in with your company", "pt-BR": "Entrar pela sua empresa"}[locale]
    one.page.goto("/sso")
    expect(one.page.get_by_role("heading", name=words)).to_be_visible()
    found: dict[str, object] = {"/sso": serious(one.page, axe)}
    signs_in(one.page, owner(committed))
    with platform_scope():
        SsoProvider.objects.create(
            tenant=committed.ours, enabled=True, issuer=provider.issuer, client_id=CLIENT, created_at=build.NOW,
            updated_at=build.NOW, group_roles={"ops": "operator"},
        )  # fmt: skip
    for path in ("/t/ours/sign-in", "/company", "/login/ours", "/login/nobody", "/auth/oidc/callback"):
        one.page.goto(path)
        found[path] = serious(one.page, axe)
        assert one.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    one.page.goto("/t/ours/sign-in")
    one.page.locator("main .vf-head form button").click()
    expect(one.page.get_by_test_id("sso-steps")).to_be_visible()
    found["test"] = serious(one.page, axe)
    context.close()
    assert {path: what for path, what in found.items() if what} == {}
    assert one.wrong == []


def serious(page: Page, axe: str) -> object:
    page.evaluate(axe)
    return page.evaluate(SERIOUS)
