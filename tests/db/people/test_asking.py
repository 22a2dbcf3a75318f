"""What cannot be taken back is asked first: looking at the question changes nothing, and it says what follows."""

import pytest
from django.test import Client
from django.utils import timezone

from tenants.models import Passkey, SmtpServer, Totp, User
from tenants.roles import Role
from tenants.scope import platform_scope
from tests import build
from tests.conftest import World
from tests.db.people.test_sessions import console

pytestmark = pytest.mark.django_db


def main_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer
    return answer.content.decode().split("<main", 1)[1].split("</main>")[0]


@pytest.fixture
def client(person: User) -> Client:
    """Signed in before there was a factor to ask for."""
    return console(person)


@pytest.fixture
def with_factors(client: Client, person: User) -> Passkey:
    now = timezone.now()
    Totp.objects.create(user=person, secret="x", created_at=now, confirmed_at=now)
    return Passkey.objects.create(user=person, name="My laptop", credential_id="a", public_key=b"x", created_at=now)


def test_the_last_second_factor_says_what_ends_with_it(client: Client, person: User, with_factors: Passkey) -> None:
    remove = f"/security/passkeys/{with_factors.pk}/remove"
    asked = main_of(client, remove)
    assert "Remove the passkey My laptop?" in asked
    assert "Your other ways to sign in stay." in asked
    assert "Your other ways to sign in stay." in main_of(client, "/security/app/remove")
    assert Totp.objects.filter(user=person).exists()
    assert client.post("/security/app/remove").status_code == 302
    assert "It is your last second factor" in main_of(client, remove)
    assert Passkey.objects.filter(pk=with_factors.pk).exists()
    assert client.get("/security/app/remove").headers["Location"] == "/security"


def test_nobody_is_asked_about_what_is_not_theirs(world: World, with_factors: Passkey) -> None:
    other = Client()
    other.force_login(world.owner)
    assert other.get(f"/security/passkeys/{with_factors.pk}/remove").status_code == 404
    assert other.get("/security/codes/new").headers["Location"] == "/security"


def test_new_codes_are_asked_for(client: Client, with_factors: Passkey) -> None:
    asked = main_of(client, "/security/codes/new")
    assert 'action="/security/codes"' in asked
    assert "end at once" in asked


def test_a_member_and_a_mail_server_are_asked_about(world: World) -> None:
    owner = Client()
    owner.force_login(world.owner)
    other = build.member(world.ours, Role.VIEWER)
    theirs = other.memberships.get()
    assert f"Remove {other.email}?" in main_of(owner, f"/t/ours/members/{theirs.pk}/remove")
    assert other.memberships.exists()
    assert owner.get(f"/t/ours/members/{theirs.pk}/suspend").status_code == 302
    assert owner.get("/t/ours/mail/remove").headers["Location"] == "/t/ours/mail"
    with platform_scope():
        SmtpServer.objects.create(
            tenant=world.ours, host="smtp.ours.test", sender="a@ours.test", updated_at=timezone.now()
        )
    assert "smtp.ours.test" in main_of(owner, "/t/ours/mail/remove")
    with platform_scope():
        assert SmtpServer.objects.exists()
