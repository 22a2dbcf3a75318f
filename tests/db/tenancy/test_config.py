"""Effective limits, settings and the export."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from billing.services import subscriptions
from tenants.actor import SYSTEM
from tenants.models import AuditEntry, Tenant
from tenants.roles import Role
from tenants.scope import platform_scope
from tenants.services.tenancy import tenant_life
from tests import build
from tests.conftest import World

pytestmark = pytest.mark.django_db
CONFIG = "/api/tenants/ours/config"


def test_g13_the_config_follows_the_plan_at_once_and_counts_what_is_there(world: World) -> None:
    client = build.api(world.viewer, world.ours)
    build.route(world.ours)
    build.backend(world.ours)
    build.invitation(world.ours)
    shown = client.get(CONFIG).json()
    assert (shown["plan"], shown["limits"]["routes"], shown["limits"]["requests_per_second"]) == ("pro", 50, 1000)
    assert shown["used"] == {
        "pools": 2, "routes": 1, "backends": 1, "listeners": 0, "caches": 0, "members": 3, "domains": 0,
    }  # fmt: skip
    subscriptions.change(world.ours, plan="free", by=SYSTEM, now=timezone.now())
    after = client.get(CONFIG).json()
    assert (after["plan"], after["limits"]["routes"], after["limits"]["members"]) == ("free", 3, 2)
    assert (after["features"]["waf"], shown["features"]["waf"]) == ("basic", "strict")
    assert after["used"] == shown["used"]  # nothing that exists is stopped


def test_g13_owners_set_what_can_be_set_and_others_do_not(world: World) -> None:
    owner = build.api(world.owner, world.ours)
    since = (timezone.now() + timedelta(days=14)).replace(microsecond=0)
    read = owner.get(CONFIG)
    body = {**read.json(), "settings": {"second_factor_from": since.isoformat()}}
    for role in (Role.ADMIN, Role.VIEWER):
        refused = build.api(build.member(world.ours, role), world.ours).put(CONFIG, body)
        assert (refused.status_code, refused.json()["needed"]) == (403, "own")
    assert owner.put(CONFIG, body, **{"If-Match": read.headers["ETag"]}).status_code == 200
    assert Tenant.objects.get(pk=world.ours.pk).second_factor_from == since
    assert owner.put(CONFIG, body, **{"If-Match": read.headers["ETag"]}).status_code == 412
    assert owner.put(CONFIG, {"settings": {"no_such": 1}}).status_code == 422
    with platform_scope():
        entry = AuditEntry.objects.filter(tenant_id=world.ours.pk, act="tenant.second_factor").latest("id")
    assert entry.after == {"second_factor_from": since.isoformat()}


def test_g1_an_owner_takes_the_configuration_along_even_from_a_deleted_tenant(world: World) -> None:
    pool = build.pool(world.ours, name="shop", check_headers={"Authorization": "Bearer hush-hush"})
    build.backend(world.ours, pool, address="10.0.0.5:8080")
    build.route(world.ours, pool, host="shop.test", path_prefix="/api")
    build.pool(world.theirs, name="not ours")
    tenant_life.delete(world.ours, by=SYSTEM, now=timezone.now())
    answer = build.api(world.owner).get("/api/tenants/ours/export")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == 'attachment; filename="ours.json"'
    taken = answer.json()
    assert [(pool["name"], [(b["ip"], b["port"]) for b in pool["backends"]]) for pool in taken["pools"]] == [
        ("shop", [("10.0.0.5", 8080)])
    ]
    assert [(route["host"], route["path_prefix"], route["pool"]) for route in taken["routes"]] == [
        ("shop.test", "/api", "shop")
    ]
    assert {member["email"] for member in taken["members"]} == {"owner@ours.test", "viewer@ours.test"}
    for secret in ("hush-hush", "not ours", "password", "digest"):
        assert secret not in json.dumps(taken)
    browser = Client()
    browser.force_login(world.owner)
    assert browser.get("/t/ours/export.json").json() == taken
    assert build.api(build.member(world.ours, Role.ADMIN)).get("/api/tenants/ours/export").status_code == 404
    with platform_scope():
        written = AuditEntry.objects.filter(tenant_id=world.ours.pk, act="tenant.export").order_by("id")
        assert [(entry.actor, entry.through) for entry in written] == [
            ("owner@ours.test", "jwt"), ("owner@ours.test", "session"),
        ]  # fmt: skip
