"""Fifty at once for one port: the database decides, and one of them gets it."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.conf import settings
from django.db import connection
from django.utils import timezone

from balancer.fleet.models import PortClaim
from balancer.services import listeners
from balancer.services.listeners import NewListener
from tenants.errors import Conflict
from tenants.models import Tenant
from tenants.scope import platform_scope, tenant_scope
from tests import build
from tests.conftest import World

FIFTY = 50
AT_ONCE = 10  # connections that the database gives a test
PORT = settings.TCP_PORTS[0]


def test_of_fifty_one_gets_the_port_and_the_rest_are_given_others(committed: World) -> None:
    owners = [build.tenant(plan="business") for _ in range(5)]
    pools = {tenant.pk: build.tcp_pool(tenant).pk for tenant in owners}
    together = Barrier(AT_ONCE)

    def wish(number: int, port: int | None) -> int | str:
        tenant: Tenant = owners[number % len(owners)]
        together.wait(30)
        try:
            with tenant_scope(tenant):
                new = NewListener(kind="tcp", pool=pools[tenant.pk], port=port)
                return int(listeners.create(new, by=build.actor(), now=timezone.now()).object.port or 0)
        except Conflict as refused:
            return refused.code
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        named = Counter(pool.map(wish, range(FIFTY), [PORT] * FIFTY))
        given = list(pool.map(wish, range(FIFTY), [None] * FIFTY))
    assert named[PORT] == 1
    assert named["port_taken"] + named["listener_taken"] == FIFTY - 1
    assert sorted(given, key=str) == [*range(PORT + 1, PORT + 1 + FIFTY)], "each another, none left out"
    with platform_scope():
        assert PortClaim.objects.count() == FIFTY + 1
