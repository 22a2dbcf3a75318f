"""Every page in both languages, both themes and two widths."""

from collections.abc import Callable
from importlib import resources

import pytest
from playwright.sync_api import expect

from tests.live.console.visitor import Visitor

pytestmark = [pytest.mark.live, pytest.mark.browser]

PAGES = (
    "/",
    "/pools",
    "/pools/new",
    "/routes",
    "/routes/new",
    "/deployments",
    "/deployments/1",
    "/changes",
    "/logs",
    "/events",
    "/on-the-nodes",
    "/search?q=demo",
)
DOORS = ("/login", "/signup", "/preferences")
WORDS = {"en-US": ("en", "Overview", "Sign in"), "pt-BR": ("pt-br", "Visão geral", "Entrar")}
SERIOUS = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .filter((found) => ["serious", "critical"].includes(found.impact))
  .map((found) => `${found.id}: ${found.nodes.map((node) => node.target.join(" ")).join(", ")}`)"""


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "390px"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-US", "pt-BR"])
def test_pages_speak_the_language_wear_the_theme_and_fit(
    visit: Callable[..., Visitor], locale: str, theme: str, narrow: bool
) -> None:
    someone = visit(locale=locale, theme=theme, narrow=narrow)
    page, (language, overview, sign_in) = someone.page, WORDS[locale]
    page.goto("/login")
    expect(page.get_by_role("heading", name=sign_in)).to_be_visible()
    for path in DOORS:
        page.goto(path)
        looks_right(someone, language, theme)
    someone.sign_in()
    for path in PAGES:
        someone.at(path)
        looks_right(someone, language, theme)
        expect(page.get_by_test_id("conn-chip")).to_have_attribute("data-state", "live", timeout=10_000)
    assert page.title()
    page.goto("/t/demo/")
    expect(page).to_have_title(f"{overview} · Demo · VeloFlux")
    page.locator("#vf-menu").check(force=True) if narrow else None
    page.locator("nav.vf-nav a").nth(1).click()
    looks_right(someone, language, theme)
    page.locator("a.vf-name").first.click()
    looks_right(someone, language, theme)
    expect(page.locator("tbody [data-testid^=row-backend-]").first).to_be_visible()


def looks_right(someone: Visitor, language: str, theme: str) -> None:
    page = someone.page
    expect(page.locator("html")).to_have_attribute("lang", language)
    assert someone.fits(), f"{page.url} scrolls sideways"
    assert someone.violations() == []
    shade = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)")
    assert (max(shade) < 60) == (theme == "dark"), shade


def test_the_chosen_theme_and_language_outlive_the_visit(visit: Callable[..., Visitor]) -> None:
    someone = visit()
    someone.sign_up()
    page = someone.page
    page.locator(".vf-me > summary").click()
    page.get_by_role("button", name="Dark").click()
    looks_right(someone, "en", "dark")
    page.locator(".vf-me > summary").click()
    page.get_by_role("button", name="Português (Brasil)").click()
    looks_right(someone, "pt-br", "dark")
    page.locator(".vf-me > summary").click()
    page.get_by_role("button", name="Sair").click()
    expect(page.get_by_role("heading", name="Entrar")).to_be_visible()
    looks_right(someone, "pt-br", "dark")


def test_a_page_that_is_not_there_says_so_with_a_way_on(visit: Callable[..., Visitor]) -> None:
    someone = visit()
    someone.watch.refusals_expected = True
    someone.sign_in()
    for path in ("/t/demo/nothing", "/t/nobody/", "/nothing"):
        page_status = someone.page.goto(path)
        assert page_status is not None
        assert page_status.status == 404
        expect(someone.page.get_by_role("heading", name="There is nothing here")).to_be_visible()
        expect(someone.page.get_by_role("link", name="To the overview")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit: Callable[..., Visitor], theme: str) -> None:
    axe = (resources.files("axe_playwright_python") / "axe.min.js").read_text()
    someone = visit(theme=theme)
    found: dict[str, list[str]] = {}

    def look(path: str) -> None:
        someone.page.goto(path)
        someone.page.evaluate(axe)
        found[path] = someone.page.evaluate(SERIOUS)

    for path in DOORS:
        look(path)
    someone.sign_in()
    for path in PAGES:
        look(f"/t/demo{path}")
    someone.at("/pools")
    pool = someone.page.locator("a.vf-name").first.get_attribute("href") or ""
    for path in ("", "/edit", "/delete", "/backends/new"):
        look(pool + path)
    assert {path: what for path, what in found.items() if what} == {}
