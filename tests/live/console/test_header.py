"""The header: finding by keyboard, whether the newest state serves, and an act that does not get through."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.live.console.visitor import Visitor

pytestmark = [pytest.mark.live, pytest.mark.browser]


def test_a_change_is_seen_arriving_and_found_with_the_keyboard_alone(visit: Callable[..., Visitor]) -> None:
    someone = visit()
    someone.sign_up()
    page = someone.page
    pill = page.get_by_test_id("deploy-pill")
    pool = someone.new_pool("shop frontends")
    for name, value in (("data-nodes", "2"), ("data-live", "2"), ("data-state", "live")):
        expect(pill).to_have_attribute(name, value, timeout=20_000)  # nobody loads the page again
    someone.at("/logs")
    page.keyboard.press("/")
    page.keyboard.type("shop")
    expect(page.locator("#search-pop a")).to_have_text("shop frontends")
    page.keyboard.press("Escape")
    expect(page.locator("#search-pop")).to_be_hidden()
    page.keyboard.press("Control+k")
    page.keyboard.type("frontends")  # over what was marked
    expect(page.locator("#search-pop a")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{pool}")
    assert someone.violations() == []


def test_search_is_a_page_without_javascript(visit: Callable[..., Visitor]) -> None:
    someone = visit(javascript=False)
    someone.sign_up()
    pool = someone.new_pool("shop frontends")
    someone.page.locator("header input[name=q]").fill("front")
    someone.page.keyboard.press("Enter")
    someone.page.get_by_role("link", name="shop frontends").click()
    someone.page.wait_for_url(f"**{pool}")


def test_an_act_that_does_not_get_through_says_so_and_the_page_stays(visit: Callable[..., Visitor]) -> None:
    someone = visit()
    someone.sign_in()
    page = someone.page
    someone.at("/pools?q=demo")
    page.locator("a.vf-name").click()
    row = page.locator("tbody tr").first
    page.route("**/backends/**", lambda route: route.abort())
    row.get_by_role("button", name="Drain", exact=True).click()
    toast = page.get_by_test_id("toast")
    expect(toast).to_have_attribute("data-level", "error")
    expect(toast).to_contain_text("it is not known whether this was done")
    expect(row.get_by_test_id("badge-admin")).to_have_attribute("data-state", "ready")
    toast.get_by_role("button", name="Dismiss").click()
    expect(toast).to_have_count(0)
    someone.watch.wrong.clear()  # htmx writes into the browser's log that it could not send


def test_looking_up_the_header_dims_no_button(visit: Callable[..., Visitor]) -> None:
    someone = visit()
    someone.sign_in()
    page = someone.page
    held: list[Route] = []
    page.route("**/header", lambda route: held.append(route))
    with page.expect_request("**/header"):
        someone.at("/pools/new")
    button = page.locator("main form .btn-primary")
    assert button.evaluate("one => getComputedStyle(one).opacity") == "1"
    assert button.evaluate("one => getComputedStyle(one).pointerEvents") == "auto"
    for route in held:
        route.continue_()
