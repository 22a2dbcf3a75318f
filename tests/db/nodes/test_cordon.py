"""Cordon, redeploy, and letting a node go."""

import json
from typing import Any

import pytest
import redis

from balancer.fleet.models import Cluster, Deployment, Node, Placement, Revision, Service, Trial
from balancer.services import deployments, nodes, placements, trials
from tenants.models import AuditEntry
from tenants.scope import platform_scope, tenant_scope
from tests import build
from tests.build import NOW, Api
from tests.conftest import World
from tests.db.nodes.conftest import Asked, Beat, node
from tests.db.nodes.test_keys import joined, users

pytestmark = pytest.mark.django_db


def second() -> None:
    with platform_scope():
        other = Cluster.objects.create(name="second")
        nodes.take_in("m1", other, key="m" * 64)


def act(staff: Api, name: str, word: str, body: Any = None) -> Any:
    return staff.post(f"/api/nodes/{node(name).pk}/{word}", body or {})


def test_a_cordoned_node_closes_its_cluster_to_new_tenants(staff: Api, world: World) -> None:
    alone = act(staff, "n1", "cordon", {"reason": "disk"})
    assert (alone.status_code, alone.json()["code"]) == (409, "no_other_cluster")
    second()
    done = act(staff, "n1", "cordon", {"reason": "disk"})
    assert done.status_code == 200, done.content
    assert done.json()["cordon_reason"] == "disk"
    assert build.tenant("New").placement.cluster.name == "second"
    assert world.ours.placement.cluster.name == "main", "who is there stays"
    assert [one["name"] for one in staff.get("/api/nodes?cordoned=true").json()["items"]] == ["n1"]
    assert act(staff, "n1", "uncordon").json()["cordoned_at"] is None
    assert build.tenant("Newer").placement.cluster.name == "main"
    with platform_scope():
        made = AuditEntry.objects.filter(act__in=["node.cordon", "node.uncordon"]).order_by("id")
        assert [(entry.act, entry.actor) for entry in made] == [
            ("node.cordon", "staff@veloflux.test"),
            ("node.uncordon", "staff@veloflux.test"),
        ]


def test_with_nowhere_to_go_nobody_is_made(staff: Api, world: World) -> None:
    assert act(staff, "n1", "cordon", {"force": True}).status_code == 200
    with pytest.raises(placements.NoPlace) as refused:
        build.tenant("Nobody")
    assert refused.value.status == 503


def test_a_tenant_does_not_move_to_a_cordoned_cluster(staff: Api, world: World) -> None:
    second()
    assert act(staff, "m1", "cordon").status_code == 200
    answer = staff.post("/api/system/drain", {"confirm": True, "tenant": world.ours.slug, "to": "second"})
    assert answer.json()["errors"][0]["code"] == "cordoned", answer.content


def test_a_canary_is_not_tried_on_a_cordoned_node(staff: Api, world: World) -> None:
    with platform_scope():
        Node.objects.update(heartbeat_at=NOW)
    assert act(staff, "n1", "cordon", {"force": True}).status_code == 200
    with tenant_scope(world.ours):
        wanted = trials.wanted(world.ours.pk, True)
    assert wanted is not None
    assert wanted.node.name == "n2"


def test_redeploy_sends_all_of_it_to_be_taken_anew(
    staff: Api, sent: Asked, django_capture_on_commit_callbacks: Any
) -> None:
    with platform_scope():
        Node.objects.update(asked_generation=9, generation=9)
        Cluster.objects.update(generation=9)
    with django_capture_on_commit_callbacks(execute=True):
        assert act(staff, "n1", "redeploy").status_code == 200
    (message,) = sent
    body = json.loads(message["args"][0])
    assert (body["since"], body["generation"], body["anew"], body["force_reload"]) == (0, 9, True, True)


def test_the_last_that_serves_is_not_let_go(staff: Api, beat: Beat) -> None:
    beat("n1")
    path = f"/api/nodes/{node('n1').pk}"
    for query in ("", "?force=true"):
        answer = staff.delete(path + query)
        assert (answer.status_code, answer.json()["code"]) == (409, "last_node")


def test_one_that_takes_traffic_is_let_go_by_force_only(staff: Api, beat: Beat, kept: "redis.Redis") -> None:
    told = joined(staff)
    beat("n1", "n3", drift=["taaaaaaaaaaaa should be: x"])
    kept.hset("veloflux:drift", "n3", "{}")
    kept.lpush(f"node.{told['id']}.work", "x")
    path = f"/api/nodes/{told['id']}"
    answer = staff.delete(path)
    assert (answer.status_code, answer.json()["code"]) == (409, "serves")
    assert staff.delete(f"{path}?force=maybe").status_code == 422
    assert staff.delete(f"{path}?force=true").status_code == 204
    assert staff.get(path).status_code == 404
    assert users(kept, told) == set()
    assert [key for key in kept.scan_iter() if told["id"] in key or "n3" in key] == []
    assert not kept.hexists("veloflux:nodes", "n3")
    assert not kept.hexists("veloflux:drift", "n3")


def test_one_that_is_out_of_service_is_let_go_and_nothing_waits_for_it(staff: Api, beat: Beat, world: World) -> None:
    told = joined(staff)
    beat("n1", "n3")
    with tenant_scope(world.ours):
        revision = Revision.objects.create(tenant=world.ours, number=1, digest="0" * 32, state={}, created_at=NOW)
        Deployment.objects.create(
            tenant=world.ours, revision=revision, node=node("n3"), generation=1, state="queued", queued_at=NOW
        )
    with platform_scope():
        Node.objects.filter(name="n3").update(service=Service.OUT, service_seen=Service.OUT)
    assert staff.delete(f"/api/nodes/{told['id']}").status_code == 204
    with tenant_scope(world.ours):
        assert not Deployment.objects.filter(state="queued").exists()


def test_one_that_tries_a_revision_is_kept_until_that_ends(staff: Api, beat: Beat, world: World) -> None:
    beat("n1", "n2")
    revision = build.revision(world.ours)
    with tenant_scope(world.ours):
        Trial.objects.create(
            tenant=world.ours, revision=revision, node=node("n1"), generation=1, seconds=30, began_at=NOW
        )
    answer = staff.delete(f"/api/nodes/{node('n1').pk}?force=true")
    assert (answer.status_code, answer.json()["code"]) == (409, "tries")


def test_a_node_that_never_came_is_let_go_at_once(staff: Api, kept: "redis.Redis") -> None:
    made = staff.post("/api/nodes", {"name": "n3", "cluster": "main"}).json()
    assert staff.delete(f"/api/nodes/{made['id']}").status_code == 204
    with platform_scope():
        assert Placement.objects.exists()
        assert not Node.objects.filter(pk=made["id"]).exists()
        Cluster.objects.update(generation=7)
        assert deployments.sweep(now=NOW) == 2, "the two that are left are asked, and nobody else"
