"""A tenant whose backends go by names that a name server of the test answers for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.utils import timezone

from balancer.fleet.models import Name
from balancer.models import Pool
from balancer.services import following, lookups, names
from tenants.models import Tenant
from tenants.scope import platform_scope, tenant_scope
from tests import build, nameserver
from tests.db.changes.conftest import Fleet
from tests.db.changes.conftest import fleet as fleet  # a fixture of these tests too
from tests.db.status.conftest import kept as kept
from tests.db.status.conftest import redis_of_session as redis_of_session
from tests.nameserver import NameServer

APP = "app.example.com"


@pytest.fixture
def dns(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    monkeypatch.setattr(lookups, "SECONDS", 0.5)  # that one is waited for who says nothing
    with nameserver.running() as server:
        settings.DNS_RESOLVERS = [server.address]
        server.addresses[APP] = ["10.1.0.1", "10.1.0.2"]
        yield server


@dataclass
class Site:
    """A pool with one backend that goes by a name, on nodes that say that they serve it."""

    fleet: Fleet
    dns: NameServer
    pool: Pool
    backend: dict[str, Any]

    @property
    def tenant(self) -> Tenant:
        return self.fleet.tenant

    def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = self.fleet.get(f"backends/{self.backend['id']}")
        return found

    def addresses(self) -> list[str]:
        return [one["address"] for one in self.shown()["resolution"]["addresses"]]

    def told(self) -> list[str]:
        """The addresses that the nodes were told last."""
        state = self.fleet.last_told("n1")["fragments"][-1]["state"]
        return [server["address"] for pool in state["pools"] for server in pool["servers"]]

    def messages(self) -> int:
        return sum(map(len, self.fleet.told.values()))


def look_again(after: float = 1000.0) -> int:
    """What the beat does so many seconds from now. How many tenants were told."""
    now = timezone.now() + timedelta(seconds=after)
    with platform_scope():
        names.look_at_due(now=now)
        behind = names.behind(100)
    return sum(follow(tenant_id) for tenant_id in behind)


def follow(tenant_id: str) -> bool:
    with platform_scope():
        tenant = Tenant.objects.get(pk=tenant_id)
    with tenant_scope(tenant):
        return following.follow(tenant_id, now=timezone.now()) is not None


def row(name: str = APP) -> Name:
    with platform_scope():
        return Name.objects.get(pk=name)


@pytest.fixture
def site(fleet: Fleet, dns: NameServer, kept: "redis.Redis") -> Site:
    pool = build.pool(fleet.tenant, name="shop", check_type="none")
    build.route(fleet.tenant, pool, host="shop.test")
    made = fleet.post("backends", {"pool": pool.pk, "address": f"{APP}:8080"}, status=201)
    fleet.cut()
    fleet.live()
    return Site(fleet, dns, pool, made)
