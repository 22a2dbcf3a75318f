"""The pages of one's account in a real browser: an authenticator app, passkeys, sessions, mails' links."""

from collections.abc import Callable
from datetime import timedelta

import pyotp
import pytest
from django.utils import timezone
from playwright.sync_api import CDPSession, Page, expect

from tenants.models import Passkey, SignIn, User
from tests import build
from tests.conftest import World
from tests.live.people.conftest import Console, sign_in

pytestmark = [pytest.mark.live, pytest.mark.browser]
OpenPage = Callable[..., Page]
PAGES = ("/profile", "/profile/email", "/security", "/security/password", "/security/app", "/sessions")
DOORS = ("/login", "/signup", "/forgot", "/reset/x", "/verify/x")


def authenticator(page: Page) -> CDPSession:
    """A device that says yes to everything, and knows its owner's finger."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return devtools


def home(page: Page) -> None:
    page.wait_for_url("**/t/ours/**")


def sign_out(page: Page) -> None:
    page.locator(".vf-me > summary").click()
    page.locator(".vf-me .vf-row-btn").click()
    page.wait_for_url("**/login**")  # a page that noticed first asks to come back


def test_an_app_is_set_up_and_asked_for(open_page: OpenPage, person: User) -> None:
    page = open_page()
    sign_in(page, person)
    home(page)
    page.goto("/security")
    page.get_by_role("link", name="Set up").click()
    secret = page.locator("#totp-secret").inner_text()
    assert page.locator(".vf-qr-box svg").count() == 1
    page.locator("[name=otp]").fill("000000")
    page.get_by_role("button", name="Turn it on").click()
    expect(page.get_by_text("This code is wrong")).to_be_visible()
    assert page.locator("#totp-secret").inner_text() == secret, "the same as the phone has scanned"
    now = timezone.now()
    page.locator("[name=otp]").fill(pyotp.TOTP(secret).at(now))
    page.get_by_role("button", name="Turn it on").click()
    codes = page.locator("#codes").inner_text().split()
    assert len(codes) == 10
    sign_out(page)
    sign_in(page, person)
    page.wait_for_url("**/second-factor")
    page.goto("/t/ours/pools")
    page.wait_for_url("**/login?next=**")
    page.goto("/second-factor")
    later = max(timezone.now(), now + timedelta(seconds=30))  # each code is good once
    page.locator("[name=otp]").fill(pyotp.TOTP(secret).at(later))
    page.get_by_role("button", name="Continue").click()
    home(page)
    sign_out(page)
    sign_in(page, person)
    page.locator("[name=otp]").fill(codes[3])
    page.get_by_role("button", name="Continue").click()
    home(page)


def test_a_passkey_signs_in_alone_and_as_a_second_factor(open_page: OpenPage, person: User) -> None:
    page = open_page()
    device = authenticator(page)
    sign_in(page, person)
    home(page)
    page.goto("/security")
    page.locator("#passkey-name").fill("My laptop")
    page.get_by_role("button", name="Add a passkey").click()
    page.wait_for_url("**/security/codes")
    assert len(page.locator("#codes").inner_text().split()) == 10
    page.reload()
    page.wait_for_url("**/security")
    expect(page.get_by_text("My laptop", exact=True)).to_be_visible()
    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    home(page)
    made = SignIn.objects.filter(user=person, ended_at=None).latest("created_at")
    assert (made.method, made.second_factor_at is not None) == ("passkey", True)
    sign_out(page)
    sign_in(page, person)
    page.wait_for_url("**/second-factor")
    page.get_by_role("button", name="Use a passkey").click()
    home(page)
    assert Passkey.objects.get(user=person).sign_count > 1
    SignIn.objects.filter(user=person).update(proven_at=timezone.now() - timedelta(hours=1))
    page.goto("/security/app")
    page.wait_for_url("**/reauthenticate?next=*")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/security/app")
    page.goto("/security")
    page.get_by_role("link", name="Remove My laptop").click()
    expect(page.get_by_text("It is your last second factor")).to_be_visible()
    page.get_by_role("button", name="Remove the passkey").click()
    expect(page.get_by_text("The passkey is removed.")).to_be_visible()
    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("This passkey was not accepted.")).to_be_visible()
    device.detach()


def test_a_fresh_proof_is_asked_for_and_then_one_goes_on(open_page: OpenPage, person: User) -> None:
    page = open_page(javascript=False)
    sign_in(page, person)
    home(page)
    SignIn.objects.filter(user=person).update(proven_at=timezone.now() - timedelta(hours=1))
    page.goto("/profile/email")
    page.wait_for_url("**/reauthenticate?next=*")
    page.locator("[name=password]").fill("wrong wrong wrong")
    page.locator("main form button.btn-primary").click()
    expect(page.get_by_text("This is not your password.")).to_be_visible()
    page.locator("[name=password]").fill(build.PASSWORD)
    page.locator("main form button.btn-primary").click()
    page.wait_for_url("**/profile/email")


def test_one_signs_up_by_the_mails_link(open_page: OpenPage, console: Console, committed: World) -> None:
    page = open_page(locale="pt-BR")
    page.goto("/signup")
    page.locator("[name=tenant_name]").fill("Padaria Nova")
    page.locator("[name=email]").fill("ana@padaria.test")
    page.locator("[name=password]").fill(build.PASSWORD)
    page.locator("main form button.btn-primary").click()
    expect(page.get_by_role("heading", name="Veja seu e-mail")).to_be_visible()
    page.goto(console.link("ana@padaria.test", "verify"))
    page.get_by_role("button", name="Confirmar").click()
    page.locator("[name=email]").fill("ana@padaria.test")
    page.locator("[name=password]").fill(build.PASSWORD)
    page.locator("main form button.btn-primary").click()
    page.wait_for_url("**/t/padaria-nova/")


def test_f6_a_forgotten_password_is_set_by_the_mails_link(open_page: OpenPage, console: Console, person: User) -> None:
    page = open_page()
    page.goto("/login")
    page.get_by_role("link", name="Forgot your password?").click()
    page.locator("[name=email]").fill(person.email)
    page.get_by_role("button", name="Send the link").click()
    link = console.link(person.email, "reset")
    page.goto(link)
    page.locator("[name=password]").fill("a new long sentence")
    page.get_by_role("button", name="Set the password").click()
    page.wait_for_url("**/login")
    sign_in(page, person, "a new long sentence")
    home(page)
    page.goto(link)
    expect(page.get_by_text("This link is not valid any more")).to_be_visible()


def test_b9_a_session_is_ended_from_the_list(open_page: OpenPage, person: User) -> None:
    here, there = open_page(), open_page()
    for page in (here, there):
        sign_in(page, person)
        home(page)
    here.goto("/sessions")
    rows = here.locator("[data-testid^=row-session-]")
    expect(rows).to_have_count(2)
    rows.filter(has_not_text="This one").get_by_role("button", name="Sign out").click()
    expect(rows).to_have_count(1)
    there.goto("/t/ours/pools")
    there.wait_for_url("**/login?next=**")


@pytest.mark.parametrize(
    ("locale", "theme", "narrow"), [("en-US", "light", False), ("pt-BR", "dark", True), ("pt-BR", "light", True)]
)
def test_every_page_fits_and_speaks(open_page: OpenPage, person: User, locale: str, theme: str, narrow: bool) -> None:
    page = open_page(locale=locale, theme=theme, narrow=narrow)

    def look(path: str) -> None:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        expect(page.locator("html")).to_have_attribute("lang", "pt-br" if locale == "pt-BR" else "en")
        expect(page.locator("h1")).to_be_visible()

    for path in DOORS:
        look(path)
    sign_in(page, person)
    home(page)
    for path in PAGES:
        look(path)
