"""Staff sign in where everybody does."""

import pytest
from django.test import Client

from tenants.models import SignIn, User
from tests import build
from tests.conftest import World
from tests.db.people.conftest import bearer, login, with_app

pytestmark = pytest.mark.django_db


def test_staff_pages_know_the_second_factor(world: World) -> None:
    staff = build.staff(password=build.PASSWORD)
    app, browser = with_app(staff), Client()
    sent = browser.get("/staff/login/?next=/staff/tenants/user/")
    assert sent.headers["Location"] == "/login?next=/staff/tenants/user/"
    posted = browser.post("/staff/login/", {"username": staff.email, "password": build.PASSWORD})
    assert posted.headers["Location"].startswith("/login"), "Django's own form is no door"
    assert browser.get("/staff/").status_code == 302
    browser.post("/login", {"email": staff.email, "password": build.PASSWORD, "next": "/staff/"})
    assert browser.post("/second-factor", {"otp": app.now()}).headers["Location"] == "/staff/"
    assert browser.get("/staff/").status_code == 200
    browser.post("/staff/logout/")
    assert browser.get("/staff/").status_code == 302
    assert not SignIn.objects.filter(user=staff, ended_at=None).exists()


def test_who_is_not_staff_is_told_so_and_not_sent_in_circles(world: World, person: User, client: Client) -> None:
    client.force_login(person)
    assert client.get("/staff/login/?next=/staff/").status_code == 403


def test_a_password_that_staff_sets_ends_every_sign_in(world: World, person: User, client: Client) -> None:
    inside = bearer(login(person))
    client.force_login(build.staff())
    new = "a password from the staff"
    form = {"password1": new, "password2": new, "usable_password": "true"}
    assert client.post(f"/staff/tenants/user/{person.pk}/password/", form).status_code == 302
    assert inside.get("/api/profile").status_code == 401
