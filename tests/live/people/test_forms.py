"""What the small script adds to every form and every time."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tenants.models import SignIn, User
from tests.live.people.conftest import sign_in

pytestmark = [pytest.mark.live, pytest.mark.browser]
# As a hand that is quick, or not sure: again while the answer is on its way.
TWICE = """addEventListener("submit", ({ target }) => setTimeout(() => target.querySelector(".btn-primary").click(), 5),
  { once: true })"""


def test_a_second_click_sends_nothing_and_times_say_their_zone(open_page: Callable[..., Page], person: User) -> None:
    page = open_page()
    page.add_init_script(TWICE)
    sign_in(page, person)
    page.wait_for_url("**/t/ours/**")
    assert SignIn.objects.filter(user=person).count() == 1
    page.goto("/sessions")
    seen = page.locator("td[data-label='Last seen'] time")
    expect(seen).to_contain_text("UTC")
    expect(seen.locator(".vf-ago")).to_have_text("this minute")
