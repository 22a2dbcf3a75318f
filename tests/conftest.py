"""One database for the whole run, with two tenants in it; each test's rows are rolled back.

Tests of threads and processes see only what is committed: they ask for `committed`, which puts everything back.
"""

import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import setup_databases, teardown_databases
from httpx._transports import default as transports
from pytest_django.plugin import DjangoDbBlocker

from balancer.fleet.models import Node
from billing.models import Subscription
from tenants import scope
from tenants.models import Tenant, User
from tenants.queries import directory
from tenants.roles import Role
from tests import build, cache_keys, rooms
from tests.browser import browser as browser  # a fixture of all tests


@dataclass(frozen=True, slots=True)
class World:
    """`ours` and `theirs` share no one. Nobody in it has a password."""

    ours: Tenant
    theirs: Tenant
    owner: User
    viewer: User
    their_owner: User


_world: list[World] = []
_subscriptions: list[Subscription] = []  # as the world began


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    import_module("veloflux_site.celery")  # what is asked for goes to its broker, which is memory here
    with django_db_blocker.unblock(), scope.platform_scope():
        config = setup_databases(verbosity=0, interactive=False)
        _world[:] = [make_world()]
        _subscriptions[:] = Subscription.objects.all()
    # Django itself asks the database between fixtures and tests: shared tables are all it needs.
    scope.enter(scope.PLATFORM)
    yield
    scope.enter(None)
    with django_db_blocker.unblock(), scope.platform_scope():
        end_other_sessions()
        connection.close()
        teardown_databases(config, verbosity=0)


def end_other_sessions() -> None:
    """A thread or a server that a test has ended may still hold one for a moment, and the database cannot go then."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def make_world() -> World:
    build.cluster()
    owner, viewer, their_owner = (
        build.user("owner@ours.test"),
        build.user("viewer@ours.test"),
        build.user("o@theirs.test"),
    )
    ours = build.tenant("Ours", owner=owner)
    theirs = build.tenant("Theirs", owner=their_owner)
    build.join(viewer, ours, Role.VIEWER)
    return World(ours, theirs, owner, viewer, their_owner)


@pytest.fixture
def world(db: None) -> World:
    return _world[0]


@pytest.fixture
def ours(world: World) -> Tenant:
    return world.ours


@pytest.fixture
def theirs(world: World) -> Tenant:
    return world.theirs


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """Ids may return between tests, and lockouts must not."""
    directory.forget()
    cache_keys.start_anew()


@pytest.fixture(autouse=True)
def signed_in_as_the_product_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """`client.force_login(person)`: Django's own makes a session without a sign-in, which is nobody's here."""
    monkeypatch.setattr(Client, "_login", build.console_login)


@pytest.fixture
def settings_without_demo(settings: Any) -> None:
    settings.DEMO = False


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """The world without a transaction around the test. Afterwards nothing that the test wrote is left."""
    with django_db_blocker.unblock():
        yield _world[0]
        scope.enter(scope.PLATFORM)
        connections.close_all()
        put_back(_world[0])
        connection.close()


def put_back(world: World) -> None:
    tenants, people = [world.ours, world.theirs], [world.owner, world.viewer, world.their_owner]
    for tenant in tenants:
        with scope.tenant_scope(tenant), connection.cursor() as cursor:
            cursor.execute("TRUNCATE balancer_pool, balancer_backend, balancer_route, balancer_listener")
    with scope.platform_scope(), connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE fleet_edit, fleet_revision, fleet_delivery, fleet_snapshot, fleet_deployment, fleet_hostclaim, "
            "fleet_portclaim, fleet_name, fleet_nameuse, fleet_importreport, tenants_apikey, tenants_signin, "
            "tenants_domain, django_session CASCADE"
        )
        # For the next test only: the trail's own owner may take its triggers off, and does nowhere else.
        cursor.execute("ALTER TABLE tenants_auditentry DISABLE TRIGGER USER")
        cursor.execute("TRUNCATE tenants_auditentry")
        cursor.execute("ALTER TABLE tenants_auditentry ENABLE TRIGGER USER")
        cursor.execute("ALTER TABLE audit_anchor DISABLE TRIGGER USER")
        cursor.execute("TRUNCATE audit_anchor")
        cursor.execute("ALTER TABLE audit_anchor ENABLE TRIGGER USER")
        Node.objects.update(
            generation=0,
            asked_generation=0,
            asked_at=None,
            heartbeat_at=None,
            reported_at=0,
            outcome="never",
            key_heard_at=None,
            refused_at=None,
        )
        for kept in _subscriptions:
            kept.save(force_update=True)
        Tenant.objects.exclude(pk__in=[tenant.pk for tenant in tenants]).delete()
        User.objects.exclude(pk__in=[person.pk for person in people]).delete()
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 't\\_%%'")
        for (name,) in cursor.fetchall():
            if name not in [tenant.schema_name for tenant in tenants]:
                cursor.execute(f'DROP SCHEMA "{name}" CASCADE')


def pytest_configure(config: pytest.Config) -> None:
    """Playwright's sync API leaves its event loop running in the tests' thread, where Django then refuses to touch the
    database. Nothing else runs in that loop, so nothing is unsafe."""
    # Each client of httpx would read all authorities anew, a tenth of a second of computing; tests make thousands.
    transports.create_ssl_context = functools.cache(transports.create_ssl_context)  # type: ignore[attr-defined]
    if config.getoption("markexpr") == "browser":
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Django's own way without a transaction empties every table, the plans and the world included."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        marker: Any = item.get_closest_marker("django_db")
        if marker and "committed" in fixtures:
            raise pytest.UsageError(f"{item.nodeid}: `committed` and the mark django_db exclude each other.")
        if "transactional_db" in fixtures or (marker and marker.kwargs.get("transaction")):
            raise pytest.UsageError(f"{item.nodeid}: use the fixture `committed` instead of transaction=True.")
    items[:] = rooms.ordered(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> rooms.ByRoom:
    config.option.loadscopereorder = False  # by number of tests; the order of ours says more
    return rooms.ByRoom(config, log)
