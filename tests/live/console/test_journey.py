"""From signing up to draining a backend, in a browser, on real nodes."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.live.console.visitor import Visitor
from tests.live.load import ask
from tests.live.origins import Origin
from tests.live.stack import until

pytestmark = [pytest.mark.live, pytest.mark.browser]


def answers(visitor: Visitor, host: str) -> set[str]:
    return {name for node in visitor.product.nodes for name in ask(node.http_port, host, times=24).by}


def test_a_new_tenant_gets_from_sign_up_to_balanced_traffic_and_drains(
    visit: Callable[..., Visitor], origins: list[Origin]
) -> None:
    someone = visit()
    page, slug = someone.page, someone.sign_up()
    someone.watch.strangers.add(tenant_id(someone, "demo"))
    someone.hook("checklist-pool", done="false")
    pool = someone.new_pool("web")
    someone.add_backends(pool, *(origin.address for origin in origins))
    host = f"{slug}.test"
    someone.new_route(host, pool)
    until(lambda: answers(someone, host) == {"left", "right"}, what="both backends answering")

    page.goto(pool)
    expect(page.get_by_test_id("conn-chip")).to_have_attribute("data-state", "live", timeout=10_000)
    expect(page.locator("[data-testid=badge-oper][data-state=up]")).to_have_count(2, timeout=20_000)
    row = page.locator("tr", has_text=origins[0].address)
    row.get_by_role("button", name="Drain", exact=True).click()
    badge = row.get_by_test_id("badge-admin")
    expect(badge).to_have_attribute("data-state", "drain")
    expect(badge.locator(".word")).to_have_text("Draining", timeout=10_000)  # both nodes have confirmed
    assert answers(someone, host) == {"right"}

    row.get_by_role("button", name="Make ready").click()
    expect(badge).to_have_attribute("data-state", "ready")
    until(lambda: answers(someone, host) == {"left", "right"}, what="both again")
    someone.at("/")
    until(lambda: page.reload() and page.get_by_test_id("checklist-request").count() == 0, every=0.5, what="all done")
    assert someone.violations() == []


def test_the_last_ready_backend_is_drained_only_when_it_is_meant(
    visit: Callable[..., Visitor], origins: list[Origin]
) -> None:
    someone = visit()
    someone.sign_up()
    pool = someone.new_pool("web")
    someone.add_backends(pool, origins[0].address)
    row = someone.page.locator("tbody tr")
    row.get_by_role("button", name="Drain", exact=True).click()
    expect(row.get_by_role("alert")).to_contain_text("last ready backend")
    expect(row.get_by_test_id("badge-admin")).to_have_attribute("data-state", "ready")
    row.get_by_role("button", name="Do it anyway").click()
    expect(row.get_by_test_id("badge-admin")).to_have_attribute("data-state", "drain")


def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(visit: Callable[..., Visitor]) -> None:
    someone = visit(locale="pt-BR")
    someone.watch.refusals_expected = True
    someone.sign_up()
    pool = someone.new_pool("web")
    someone.page.goto(f"{pool}/backends/new")
    address = someone.page.locator("[name=address]")
    for typed, said in (
        ("10.0.0.5:70000", "A porta de um endereço vai de 1 a 65535"),
        ("10.0.0.5:0", "A porta de um endereço vai de 1 a 65535"),
        ("169.254.169.254:80", "endereço de metadados"),
        ("web example:80", "não é um endereço IP nem um nome de host"),
    ):
        address.fill(typed)
        someone.submit()
        expect(someone.page.locator("#id_address_error")).to_contain_text(said)
        expect(address).to_have_value(typed)
        expect(address).to_have_attribute("aria-invalid", "true")


def test_a_concurrent_edit_shows_theirs_beside_mine(visit: Callable[..., Visitor]) -> None:
    someone = visit()
    someone.watch.refusals_expected = True
    someone.sign_up()
    pool = someone.new_pool("web")
    other = someone.page.context.new_page()
    someone.page.goto(f"{pool}/edit")
    other.goto(f"{pool}/edit")
    other.locator("[name=retries]").evaluate("field => { field.value = '5' }")
    other.locator("main form button.btn-primary").click()
    other.wait_for_url(f"**{pool}")
    someone.page.locator("[name=description]").fill("mine")
    someone.submit()
    expect(someone.page.locator("#form-errors")).to_contain_text("Someone changed this")
    expect(someone.page.locator("#id_retries_error")).to_contain_text("Now stored: 5")
    expect(someone.page.locator("[name=description]")).to_be_focused()
    someone.submit()
    someone.page.wait_for_url(f"**{pool}")


def test_everything_works_without_javascript(visit: Callable[..., Visitor], origins: list[Origin]) -> None:
    someone = visit(javascript=False)
    someone.sign_up()
    pool = someone.new_pool("web")
    someone.add_backends(pool, *(origin.address for origin in origins))
    row = someone.page.locator("tr", has_text=origins[0].address)
    row.get_by_role("button", name="Drain", exact=True).click()
    expect(row.get_by_test_id("badge-admin")).to_have_attribute("data-state", "drain")
    row.get_by_role("button", name="Make ready").click()
    expect(row.get_by_test_id("badge-admin")).to_have_attribute("data-state", "ready")
    someone.page.goto(f"{pool}/delete")
    someone.page.get_by_role("button", name="Delete pool").click()
    expect(someone.page.get_by_test_id("toast")).to_have_attribute("data-level", "success")


def test_without_a_socket_the_page_polls_and_says_so(visit: Callable[..., Visitor]) -> None:
    someone = visit()
    someone.page.route_web_socket("**/ws/**", lambda socket: socket.close())
    someone.sign_in()
    someone.at("/pools")
    expect(someone.page.get_by_test_id("conn-chip")).to_have_attribute("data-state", "polling", timeout=20_000)


def test_silence_turns_values_grey_with_a_growing_age(visit: Callable[..., Visitor]) -> None:
    someone = visit()
    someone.sign_in()
    someone.at("/pools")
    someone.page.locator("a.vf-name").first.click()
    expect(someone.page.get_by_test_id("conn-chip")).to_have_attribute("data-state", "live", timeout=10_000)
    someone.page.context.set_offline(True)
    # An open socket outlives Chromium's offline switch: what counts is that nothing is heard, so it is closed too.
    someone.page.evaluate("window.dispatchEvent(new Event('pagehide'))")
    expect(someone.page.get_by_test_id("conn-chip")).to_have_attribute("data-state", "offline", timeout=10_000)
    fresh = someone.page.get_by_test_id("badge-fresh").first
    expect(fresh).to_have_attribute("data-state", "stale", timeout=15_000)
    expect(fresh).to_contain_text("s ago")
    someone.watch.wrong = [line for line in someone.watch.wrong if "ERR_INTERNET_DISCONNECTED" not in line]


def test_a_deployment_appears_by_itself(visit: Callable[..., Visitor]) -> None:
    someone = visit()
    someone.sign_up()
    pool = someone.new_pool("web")
    someone.at("/deployments")
    first = someone.page.get_by_test_id("row-revision-1")
    expect(first.get_by_test_id("badge-sync")).to_have_attribute("data-state", "live", timeout=20_000)
    expect(someone.page.get_by_test_id("conn-chip")).to_have_attribute("data-state", "live", timeout=10_000)
    other = someone.page.context.new_page()
    other.goto(f"{pool}/edit")
    other.locator("[name=check_path]").fill("/other")
    other.locator("main form button.btn-primary").click()
    second = someone.page.get_by_test_id("row-revision-2")
    expect(second.get_by_test_id("badge-sync")).to_have_attribute("data-state", "live", timeout=20_000)


def tenant_id(someone: Visitor, slug: str) -> str:
    with someone.product.api() as api:
        return str(api.get(f"/tenants/{slug}").json().get("id", "no such tenant"))
