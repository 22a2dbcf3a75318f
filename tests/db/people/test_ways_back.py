"""What could not be done leads on: to sign in and back to the page, or to the page once more. Never to an empty one."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from tenants.models import User
from tests.conftest import World
from tests.db.people.test_sessions import console

pytestmark = pytest.mark.django_db
OURS = "http://testserver"


def wanted(client: Client, path: str, came_from: str) -> str:
    """Where one comes out after signing in, who was signed out when he sent a form to `path`."""
    answer = client.post(path, headers={"referer": came_from})
    assert answer.status_code == 302
    there = urlsplit(answer.headers["Location"])
    assert there.path == "/login"
    return parse_qs(there.query)["next"][0]


@pytest.mark.parametrize("path", ["/t/ours/members/invite", "/sessions/others/end"])
def test_who_was_signed_out_comes_back_to_the_page_of_the_form(world: World, client: Client, path: str) -> None:
    assert wanted(client, path, f"{OURS}/t/ours/members?page=2") == "/t/ours/members?page=2"
    assert wanted(client, path, "https://evil.example/t/ours/members") == path
    assert wanted(client, path, f"{OURS}//evil.example/") == "/evil.example/"
    assert wanted(client, path, "") == path


def test_a_page_that_is_too_old_is_not_called_a_matter_of_roles(world: World) -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/login", {"email": "a@b.test"}, headers={"referer": f"{OURS}/login?next=/profile"})
    body = answer.content.decode()
    assert answer.status_code == 403
    assert "This page was open for too long" in body
    assert "role" not in body.split("<main", 1)[1].split("</main>")[0].replace('role="', "")
    assert 'href="/login?next=/profile"' in body


@pytest.mark.parametrize("path", ["/sessions/others/end", "/t/ours/mail/test", "/logout"])
def test_an_address_that_only_takes_forms_shows_a_page(world: World, person: User, path: str) -> None:
    answer = console(person).get(path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert "There is nothing to look at here" in answer.content.decode()


def test_who_is_not_signed_in_is_offered_to(world: World, client: Client) -> None:
    main = client.get("/nothing").content.decode().split("<main", 1)[1]
    assert ">Sign in</a>" in main
    assert "To the overview" not in main


def test_who_holds_somebody_elses_invitation_signs_out_and_comes_back_to_it(world: World, person: User) -> None:
    client = console(person)
    assert client.post("/logout", {"next": "/invite/abc"}).headers["Location"] == "/invite/abc"
    assert client.get("/profile").headers["Location"] == "/login?next=/profile"
    assert client.post("/logout", {"next": "//evil.example/"}).headers["Location"] == "/login"
