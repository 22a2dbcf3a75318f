"""What a person finds who was refused: the cursor at the mistake, what they typed, and a sentence that is true."""

import re
from urllib.parse import unquote

import pyotp
import pytest
from django.test import Client

from tenants.models import User
from tests import build
from tests.conftest import World
from tests.db.people.test_sessions import console

pytestmark = pytest.mark.django_db


def focused(body: str) -> list[str]:
    """The names of the fields that the page puts the cursor into."""
    return [
        name[1]
        for tag in re.findall(r"<input[^>]*>", body)
        if "autofocus" in tag and (name := re.search(r'name="(\w+)"', tag))
    ]


def test_the_cursor_waits_where_the_first_mistake_is(world: World) -> None:
    assert focused(Client().get("/signup").content.decode()) == ["tenant_name"]
    typed = {"tenant_name": "Bakery", "email": "ana@x", "password": build.PASSWORD}
    answer = Client().post("/signup", typed)
    assert answer.status_code == 422
    assert focused(answer.content.decode()) == ["email"]
    assert 'value="Bakery"' in answer.content.decode()
    weak = Client().post("/signup", typed | {"email": "ana@bakery.test", "password": "short"})
    assert focused(weak.content.decode()) == ["password"]


def test_who_is_in_and_proves_it_again_is_told_of_the_password_alone(world: World, person: User) -> None:
    answer = console(person).post("/reauthenticate", {"password": "not this one"})
    assert answer.status_code == 422
    assert "This is not your password." in answer.content.decode()
    assert "E-mail or password" not in answer.content.decode()


def test_a_link_that_was_used_leads_to_another(world: World) -> None:
    assert b'href="/forgot"' in Client().get("/verify/never-was-one").content


def test_after_a_wrong_password_the_cursor_waits_in_it(world: World) -> None:
    assert focused(Client().get("/login").content.decode()) == ["email"]
    answer = Client().post("/login", {"email": "ana@bakery.test", "password": "not this one"})
    assert focused(answer.content.decode()) == ["password"]
    assert 'value="ana@bakery.test"' in answer.content.decode()


def test_new_codes_can_be_taken_along_as_a_file(world: World, person: User) -> None:
    client = console(person)
    begun = client.get("/security/app")
    otp = pyotp.TOTP(begun.context["secret"].replace(" ", "")).now()
    answer = client.post("/security/app", {"otp": otp})
    file = re.search(r'download="[\w.-]+" href="data:text/plain;charset=utf-8,([^"]+)"', answer.content.decode())
    assert file is not None
    assert unquote(file[1]).split() == answer.context["codes"]
