"""A browser that signs in by a provider, step by step, without a browser."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from django.test import Client
from django.utils import timezone

from tenants.actor import Actor
from tenants.models import SignIn, SsoProvider, Tenant, User
from tenants.roles import Role
from tenants.scope import platform_scope
from tenants.services.sso import sso_config
from tenants.services.sso.sso_rules import Wanted
from tests.live.oidc.provider import CLIENT, SECRET, Provider

BASE = "http://testserver"


@dataclass
class Journey:
    provider: Provider
    slug: str
    client: Client = field(default_factory=Client)

    def leave(self, query: str = "") -> str:
        """To the provider: its URL, with everything that it is asked."""
        answer = self.client.get(f"/auth/oidc/login/{self.slug}{query}")
        assert answer.status_code == 302, answer.content
        return str(answer.headers["Location"])

    def there(self, url: str) -> str:
        """What the provider sends the browser back with: a path of ours."""
        answer = httpx.get(url, follow_redirects=False)
        assert answer.status_code == 302, answer.text
        where = answer.headers["Location"]
        assert where.startswith(f"{BASE}/auth/oidc/callback?"), where
        return str(where.removeprefix(BASE))

    def sign_in(self, query: str = "") -> Any:
        return self.client.get(self.there(self.leave(query)))

    def other(self) -> "Journey":
        """Another browser."""
        return Journey(self.provider, self.slug)

    @property
    def is_in(self) -> bool:
        """Whether its session is somebody's."""
        with platform_scope():
            return bool(SignIn.objects.filter(session_key=self.client.session.session_key, ended_at=None).exists())


def configure(tenant: Tenant, provider: Provider, *, by: User, role: Role = Role.OWNER, **wanted: Any) -> SsoProvider:
    wanted = {
        "enabled": True,
        "issuer": provider.issuer,
        "client_id": CLIENT,
        "client_secret": SECRET,
        **wanted,
    }
    actor = Actor(by.pk, "test", role=role, name=by.email)
    return sso_config.save(tenant, Wanted(**wanted), by=actor, now=timezone.now())


def asked(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def code_of(answer: Any) -> str:
    """Why the door stayed shut."""
    return str(answer.context["code"])
