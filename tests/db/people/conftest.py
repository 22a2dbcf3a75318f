"""People with passwords, and the mails that they are sent."""

import re
from dataclasses import dataclass, field
from typing import Any

import pyotp
import pytest
from django.utils import timezone

from tenants import vault
from tenants.models import Totp, User
from tenants.roles import Role
from tenants.services.mails import mail
from tenants.services.signing_in import passwords
from tests import build
from tests.conftest import World


@dataclass
class Post:
    """What would have been handed to a worker."""

    sent: list[dict[str, str]] = field(default_factory=list)

    def to(self, address: str) -> list[str]:
        return [one["subject"] for one in self.sent if one["to"] == address]

    def secret(self, path: str) -> str:
        """Of the newest mail with a link to `/path/…`."""
        found = [match[1] for one in self.sent if (match := re.search(rf"/{path}/(\S+)", one["body"]))]
        return found[-1]


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any) -> Post:
    box = Post()
    monkeypatch.setattr(mail, "ask", lambda **message: box.sent.append(message))
    # A test's transaction never commits: what waits for that happens now.
    monkeypatch.setattr(mail, "after_commit", lambda call: call())
    return box


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses whose password a worker was asked to mail a link for; it does so at once."""
    from tenants.services import ask

    emails: list[str] = []

    class App:
        @staticmethod
        def send_task(name: str, *, kwargs: dict[str, str], queue: str) -> None:
            assert name == "tenants.tasks.forgot_password"
            emails.append(kwargs["email"])
            passwords.forgot(kwargs["email"], address=kwargs["address"], now=timezone.now())

    monkeypatch.setattr("celery.current_app", App)
    monkeypatch.setattr(ask, "after_commit", lambda call: call())
    return emails


@pytest.fixture
def person(world: World) -> User:
    """Of ours, an operator, with `build.PASSWORD`."""
    return build.member(world.ours, Role.OPERATOR, password=build.PASSWORD)


def login(person: User, **more: str) -> Any:
    return build.api().post("/api/auth/login", {"email": person.email, "password": build.PASSWORD, **more})


def with_app(person: User) -> pyotp.TOTP:
    """An authenticator app in use."""
    secret = pyotp.random_base32()
    sealed, now = vault.seal(secret, about=f"totp.secret:{person.pk}"), timezone.now()
    Totp.objects.create(user=person, secret=sealed, created_at=now, confirmed_at=now)
    return pyotp.TOTP(secret)


def bearer(answer: Any) -> build.Api:
    assert answer.status_code in (200, 201), answer.content
    return build.Api(f"Bearer {answer.json()['token']}")
