"""What a hostile second pair of eyes tried against people's sign-ins, and got through with before."""

import base64
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from django.test import Client
from django.utils import timezone

from balancer.live import watch
from tenants.models import SignIn, User
from tenants.services.signing_in import lockout
from tests import build
from tests.conftest import World
from tests.db.people.conftest import Post, bearer, login
from tests.db.people.device import Device
from tests.db.people.test_sessions import console, socket_of

pytestmark = pytest.mark.django_db


def test_f1_a_thief_of_the_password_who_is_in_goes_when_a_factor_comes(world: World, person: User, post: Post) -> None:
    """He would stay, confirm that it is him by the password that he has, and take the factor away."""
    thief, his_browser, mine = bearer(login(person)), console(person), bearer(login(person))
    secret = mine.post("/api/profile/mfa").json()["secret"]
    code = pyotp.TOTP(secret).now()
    assert mine.post("/api/profile/mfa/verify", {"otp": code}).status_code == 200
    assert mine.get("/api/profile").status_code == 200
    assert thief.get("/api/profile").status_code == 401
    assert his_browser.get("/security").status_code == 302


def test_f1_a_passkey_does_so_too(world: World, person: User, post: Post) -> None:
    thief, mine, device = bearer(login(person)), console(person), Device()
    options = mine.post("/security/passkeys/options").json()
    added = mine.post("/security/passkeys?name=key", device.create(options), content_type="application/json")
    assert added.status_code == 200, added.content
    assert mine.get("/security").status_code == 200
    assert thief.get("/api/profile").status_code == 401


@pytest.mark.parametrize("limit", ["LIMIT", "ADDRESS_LIMIT"])
def test_f1_one_who_has_an_ipv6_network_has_one_address(world: World, settings: Any, limit: str) -> None:
    settings.DEMO = False
    most = getattr(lockout, limit)
    for number in range(most):
        account = "ana@ours.test" if limit == "LIMIT" else f"guess{number}@ours.test"
        lockout.attempt(account, f"2001:db8:1:2:{number:x}::1")
    with pytest.raises(lockout.LockedOut):
        lockout.attempt("ana@ours.test", "2001:db8:1:2:ffff::9")
    lockout.attempt("ana@ours.test", "2001:db8:1:3::1")


@pytest.mark.parametrize("email", ["a\x00b@ours.test", "\x00", "a\nb@ours.test"])
def test_f9_basic_takes_no_unprintable_address(world: World, email: str) -> None:
    shown = base64.b64encode(f"{email}:x".encode()).decode()
    answer = build.Api(f"Basic {shown}").get("/api/profile")
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credential")


@pytest.mark.parametrize("taken", ["is_staff", "is_active"])
def test_g2_staff_who_look_as_somebody_see_no_more_when_they_are_none(world: World, taken: str) -> None:
    """Their page is closed by the next request; a socket that they had opened was not."""
    staff, browser = build.staff(), Client()
    browser.force_login(staff)
    form = {"tenant": world.ours.pk, "reason": "Ticket 7"}
    assert browser.post(f"/staff/tenants/user/{world.viewer.pk}/impersonate/", form).status_code == 302
    open_one = socket_of(browser, "ours")
    assert open_one.user_id == str(world.viewer.pk)
    assert watch.withdrawn([open_one], now=timezone.now()) == {}
    User.objects.filter(pk=staff.pk).update(**{taken: False})
    assert watch.withdrawn([open_one], now=timezone.now()) == {open_one: watch.SIGN_IN}
    assert open_one.expires_at is not None
    assert SignIn.objects.filter(user=staff, ended_at=None).exists()
    assert open_one.expires_at <= (timezone.now() + timedelta(minutes=30)).timestamp()
