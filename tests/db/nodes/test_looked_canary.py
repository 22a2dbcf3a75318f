"""/api/debug/backends and its page say why a node has something else: a canary, a change on its way, a refusal."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from balancer.fleet.models import Deployment, Edit, Node, Revision, Service, Trial
from balancer.haproxy.codec import digest, to_json
from balancer.haproxy.desired import Tenant
from tenants.scope import platform_scope, tenant_scope
from tests.conftest import World
from tests.db.nodes.conftest import Beat, node
from tests.db.nodes.test_debug_backends import ONE, POOL, TWO, look, server, told
from tests.db.nodes.test_debug_backends import answers as answers
from tests.db.nodes.test_debug_backends import snapshot as snapshot
from tests.db.nodes.test_pages import browser as browser
from tests.db.nodes.test_pages import page

pytestmark = pytest.mark.django_db


@pytest.fixture
def trial(world: World, snapshot: Tenant) -> Trial:
    """n1 tries another weight of the first server, in generation 2."""
    (pool,) = snapshot.pools
    tried = replace(snapshot, pools=(replace(pool, servers=(replace(pool.servers[0], weight=3), *pool.servers[1:])),))
    now = timezone.now()
    with tenant_scope(world.ours):
        values = {"number": deployed() + 1, "digest": digest(tried), "state": to_json(tried), "created_at": now}
        made = Revision.objects.create(tenant=world.ours, **values)
        return Trial.objects.create(
            tenant=world.ours, revision=made, node=node("n1"), generation=2, seconds=30, began_at=now
        )


def deployed() -> int:
    """The number of the revision that the snapshot is of; in the tenant's scope."""
    return Revision.objects.earliest("number").number


def tries(key: str, generation: int) -> dict[str, Any]:
    proxy = f"{key}_{POOL}"
    servers = {
        f"{proxy}/{ONE}": server("10.0.0.1", weight=3),
        f"{proxy}/{TWO}": server("10.0.0.2", weight=7, admin="drain"),
    }
    return told(key, servers=servers, generation=generation)


def test_a_node_that_tries_a_revision_is_held_against_it(
    world: World, beat: Beat, trial: Trial, answers: dict[str, Any], browser: Client
) -> None:
    beat("n1", "n2")
    answers["n1"], answers["n2"] = tries(world.ours.key, 2), told(world.ours.key)
    one, two = look(world)["nodes"]
    number = trial.revision.number
    assert (one["revision"], one["canary"]["revision"], one["canary"]["watched"]) == (number, number, "30s")
    assert one["canary"]["since"] == trial.began_at.isoformat().replace("+00:00", "Z")
    assert (two["revision"], two["canary"]) == (number - 1, None)
    assert (one["differences"], two["differences"], one["behind"], two["behind"]) == (0, 0, False, False)
    shown = page(browser, world, "on-the-nodes")
    assert f"has revision r{number}, as a canary since {trial.began_at:%H:%M:%S}" in shown


def test_what_differs_from_the_canary_itself_is_still_named(
    world: World, beat: Beat, trial: Trial, answers: dict[str, Any]
) -> None:
    beat("n1")
    answers["n1"] = told(world.ours.key, generation=2)  # it says that it has it, and does not
    one, _ = look(world)["nodes"]
    assert [side["differs"] for side in one["backends"]] == [["weight"], []]


def test_a_canary_that_has_not_come_yet_is_on_its_way(
    world: World, beat: Beat, trial: Trial, answers: dict[str, Any], browser: Client
) -> None:
    beat("n1")
    answers["n1"] = told(world.ours.key)
    one, _ = look(world)["nodes"]
    assert one["not_taken"] == ""
    assert (one["revision"], one["canary"], one["behind"]) == (trial.revision.number - 1, None, True)
    assert one["differences"] == 0
    assert "the newest is on its way" in page(browser, world, "on-the-nodes")


def test_what_a_node_refused_is_not_on_its_way(
    world: World, beat: Beat, snapshot: Tenant, answers: dict[str, Any], browser: Client
) -> None:
    beat("n1")
    answers["n1"] = told(world.ours.key, generation=0)
    with tenant_scope(world.ours):
        Deployment.objects.all().delete()
        values = {"revision": Revision.objects.get(), "node": node("n1"), "generation": 1}
        Deployment.objects.create(
            tenant=world.ours, state="refused", reason="It says no.", queued_at=timezone.now(), **values
        )
    one, _ = look(world)["nodes"]
    assert (one["behind"], one["not_taken"]) == (False, "It says no.")
    assert "It says no." in page(browser, world, "on-the-nodes")


def test_saved_changes_and_what_the_platform_does_with_nodes_are_told(
    world: World, beat: Beat, snapshot: Tenant, answers: dict[str, Any], browser: Client
) -> None:
    beat("n1", "n2")
    answers["n1"] = answers["n2"] = told(world.ours.key)
    since = timezone.now() - timedelta(hours=1)
    with platform_scope():
        Node.objects.filter(name="n1").update(service=Service.OUT)
        Node.objects.filter(name="n2").update(cordoned_at=since)
    with tenant_scope(world.ours):
        Edit.objects.create(
            tenant=world.ours, act="update", kind="pool", object_id="x", name="x", at=since, staged=True
        )
    body = look(world)
    one, two = body["nodes"]
    assert (body["waiting"], one["service"], one["cordoned_at"]) == (1, "out", None)
    assert (two["service"], two["cordoned_at"]) == ("in", since.isoformat().replace("+00:00", "Z"))
    shown = page(browser, world, "on-the-nodes")
    for words in ("1 saved change waits", "n1 is out of service", f"Cordoned since {since:%Y-%m-%d %H:%M} (UTC)"):
        assert words in shown, words
