"""A node's key: fetched once, changed while it speaks, refused once it is retired."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import DatabaseError
from django.test import TestCase
from django.utils import timezone

from balancer import tasks
from balancer.edge import signing
from balancer.edge.signing import BadSignature
from balancer.fleet.models import Cluster, Deployment, Node, Snapshot
from balancer.queries import cluster
from balancer.services import broker_users, deployments, nodes
from tenants import vault
from tenants.models import AuditEntry
from tenants.scope import platform_scope, tenant_scope
from tenants.services.trail import audit
from tests import build
from tests.build import Api
from tests.conftest import World
from tests.db.nodes.conftest import Asked, node
from tests.db.status.frames import frame

pytestmark = pytest.mark.django_db
SECRET = re.compile(r"vfn_[\w-]{43}")


def announced(staff: Api, name: str = "n3") -> dict[str, Any]:
    answer = staff.post("/api/nodes", {"name": name, "cluster": "main"})
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


def fetch(key: str, **more: Any) -> Any:
    """And what is done once it is written down."""
    with TestCase.captureOnCommitCallbacks(execute=True):
        return build.api().post("/api/nodes/join", {"key": key, **more})


def joined(staff: Api, name: str = "n3") -> dict[str, Any]:
    answer = fetch(announced(staff, name)["onboarding"]["key"])
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def say(told: dict[str, Any], key: str) -> None:
    """A second's word of the node, signed with this key."""
    body = json.dumps(frame(at=timezone.now()))
    tasks.observe(told["id"], body, signing.sign(key, body))


def users(kept: "redis.Redis", told: dict[str, Any]) -> set[str]:
    """The node's, in Redis."""
    found: Any = kept.execute_command("ACL", "USERS")  # type: ignore[no-untyped-call]
    return {name for name in found if told["id"] in name}


def trail(act: str) -> list[AuditEntry]:
    with platform_scope():
        return list(AuditEntry.objects.filter(act=act).order_by("id"))


def later(name: str, seconds: float) -> None:
    """As if the node had spoken with its key that long ago."""
    with platform_scope():
        Node.objects.filter(name=name).update(key_heard_at=timezone.now() - timedelta(seconds=seconds))


def test_the_command_is_shown_once_and_its_key_is_good_once(staff: Api, kept: "redis.Redis") -> None:
    made = announced(staff)
    key = made["onboarding"]["key"]
    assert SECRET.fullmatch(key)
    assert made["onboarding"]["command"].endswith(f" node join http://localhost:9090 {key}")
    assert (made["status"]["fresh"], made["key"]["state"]) == ("offline", "announced")
    again = staff.get(f"/api/nodes/{made['id']}")
    assert key not in again.content.decode()
    assert "onboarding" not in again.json()
    with platform_scope():
        row = Node.objects.get(pk=made["id"])
        assert key not in json.dumps({field: str(value) for field, value in vars(row).items()})
    first = fetch(key)
    assert first.status_code == 200
    assert first["Cache-Control"] == "no-store"
    assert first.json() == {
        "id": made["id"],
        "name": "n3",
        "cluster": "main",
        "key": nodes.key_of(node("n3")),
        "broker_url": first.json()["broker_url"],
    }
    second = fetch(key)
    assert (second.status_code, second.json()["code"]) == (422, "invalid_node_key")
    assert fetch("vfn_" + "x" * 43).json()["detail"] == second.json()["detail"], "a guess learns nothing"
    assert [entry.name for entry in trail("node.join")] == ["n3"]


def test_what_it_fetched_opens_redis_for_its_own_queue_and_nothing_else(staff: Api, kept: "redis.Redis") -> None:
    told = joined(staff)
    with redis.Redis.from_url(told["broker_url"]) as own:
        assert own.ping()
        own.lpush(f"node.{told['id']}.work", "x")
        with pytest.raises(redis.exceptions.NoPermissionError):
            own.lpush("node.aaaaaaaaaaaa.work", "x")
        with pytest.raises(redis.exceptions.NoPermissionError):
            own.get("veloflux:nodes")


@pytest.mark.parametrize(
    ("basis", "told"),
    [
        ("redis://10.0.0.7:6380/0", "redis://u:p%2F@10.0.0.7:6380/0"),
        ("rediss://redis.example", "rediss://u:p%2F@redis.example:6379?ssl_cert_reqs=required"),
        ("rediss://[2001:db8::1]:1/0?ssl_ca_certs=/x", "rediss://u:p%2F@[2001:db8::1]:1/0?ssl_ca_certs=/x"),
    ],
)
def test_nodes_are_told_where_redis_is_for_them(basis: str, told: str) -> None:
    assert broker_users.url_for("u", "p/", basis=basis) == told


def test_a_node_whose_answer_was_lost_joins_again(staff: Api, kept: "redis.Redis") -> None:
    told = joined(staff)
    again = staff.post(f"/api/nodes/{told['id']}/rotate-key").json()
    assert " node join " in again["onboarding"]["command"], "there is no folder of its yet"
    assert fetch(again["onboarding"]["key"]).status_code == 200
    assert users(kept, told) == {f"node-{told['id']}-2"}


def test_a_one_time_key_ends_after_an_hour_and_another_takes_its_place(staff: Api, kept: "redis.Redis") -> None:
    made = announced(staff)
    with platform_scope():
        Node.objects.filter(pk=made["id"]).update(join_until=timezone.now() - timedelta(seconds=1))
    assert fetch(made["onboarding"]["key"]).status_code == 422
    assert staff.get(f"/api/nodes/{made['id']}").json()["key"]["state"] == "expired"
    other = staff.post(f"/api/nodes/{made['id']}/rotate-key").json()["onboarding"]
    assert " node join " in other["command"]
    newest = staff.post(f"/api/nodes/{made['id']}/rotate-key").json()["onboarding"]["key"]
    assert fetch(other["key"]).status_code == 422, "only the newest is good"
    assert fetch(newest).status_code == 200


def test_a_key_used_where_another_node_lives_is_not_used_up(staff: Api, kept: "redis.Redis") -> None:
    told = joined(staff)
    key = staff.post(f"/api/nodes/{told['id']}/rotate-key").json()["onboarding"]["key"]
    wrong = fetch(key, nodes=["aaaaaaaaaaaa"])
    assert (wrong.status_code, wrong.json()["code"]) == (422, "another_node")
    assert fetch(key, nodes=["aaaaaaaaaaaa", told["id"]]).status_code == 200


def test_nothing_is_sent_to_a_node_that_has_not_come_and_nothing_waits_for_it(
    staff: Api, kept: "redis.Redis", world: World, sent: Asked
) -> None:
    announced(staff)
    with platform_scope():
        before = build.deployment(world.ours)
        Cluster.objects.update(generation=7)
        assert deployments.sweep(now=timezone.now()) == 2
        assert not Deployment.objects.filter(node__name="n3").exists()
        names = {one.name for found in cluster.of_fleet(now=timezone.now()) for one in found.nodes}
    assert {message["queue"] for message in sent} == {f"node.{node(name).pk}.work" for name in ("n1", "n2")}
    assert names == {"n1", "n2"}
    assert before.node.name == "n1"


def test_the_key_before_counts_until_the_node_has_spoken_with_the_new_one(staff: Api, kept: "redis.Redis") -> None:
    told = joined(staff)
    say(told, told["key"])
    one = staff.post(f"/api/nodes/{told['id']}/rotate-key").json()
    assert " node fetch-key " in one["onboarding"]["command"]
    assert one["key"]["state"] == "asked"
    say(told, told["key"])
    assert users(kept, told) == {f"node-{told['id']}"}, "asked for is not done"

    new = fetch(one["onboarding"]["key"]).json()
    assert new["key"] != told["key"]
    assert users(kept, told) == {f"node-{told['id']}", f"node-{told['id']}-2"}
    assert staff.get(f"/api/nodes/{told['id']}").json()["key"]["state"] == "fetched"
    say(told, told["key"])
    assert node("n3").refused_at is None, "its worker was not started again yet"
    body = "a message to it"
    signature = nodes.signed(node("n3"), body)
    for key in (told["key"], new["key"]):
        signing.verify(key, body, signature)

    say(told, new["key"])
    say(told, told["key"])
    assert node("n3").refused_at is None, "what was sent before is on its way for a moment"
    later("n3", 6)
    say(told, new["key"])
    assert users(kept, told) == {f"node-{told['id']}-2"}
    assert staff.get(f"/api/nodes/{told['id']}").json()["key"]["state"] == "current"
    assert [entry.name for entry in trail("node.retire_key")] == ["n3"]
    with pytest.raises(redis.exceptions.AuthenticationError), redis.Redis.from_url(told["broker_url"]) as own:
        own.ping()

    heard = node("n3").heartbeat_at
    say(told, told["key"])
    shown = staff.get(f"/api/nodes/{told['id']}").json()["status"]
    assert shown["refused_at"] is not None
    assert node("n3").heartbeat_at == heard
    say(told, told["key"])
    assert len([entry for entry in trail("node.message") if entry.outcome == "refused"]) == 1, (
        "told once, not each time"
    )
    with pytest.raises(BadSignature):
        signing.verify(told["key"], body, nodes.signed(node("n3"), body))


def test_a_key_that_was_fetched_and_never_spoken_with_just_goes(staff: Api, kept: "redis.Redis") -> None:
    told = joined(staff)
    say(told, told["key"])
    for _ in range(2):
        lost = fetch(staff.post(f"/api/nodes/{told['id']}/rotate-key").json()["onboarding"]["key"]).json()
    say(told, told["key"])
    assert node("n3").refused_at is None
    assert users(kept, told) == {f"node-{told['id']}", f"node-{told['id']}-3"}
    later("n3", 6)
    say(told, lost["key"])
    later("n3", 6)
    say(told, lost["key"])
    assert users(kept, told) == {f"node-{told['id']}-3"}


def test_a_key_that_is_not_written_down_takes_nothing_from_the_one_before(
    staff: Api, kept: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    told = joined(staff)
    key = staff.post(f"/api/nodes/{told['id']}/rotate-key").json()["onboarding"]["key"]

    def fail(*_: object, **__: object) -> None:
        raise DatabaseError

    with monkeypatch.context() as patched:
        patched.setattr(audit, "record", fail)
        with pytest.raises(DatabaseError):
            fetch(key)
    assert f"node-{told['id']}" in users(kept, told), "it is all that the node has"
    say(told, told["key"])
    assert fetch(key).status_code == 200
    assert users(kept, told) == {f"node-{told['id']}", f"node-{told['id']}-2"}


def test_a_user_that_stayed_while_redis_was_away_goes_with_the_next_one(
    staff: Api, kept: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    told = joined(staff)

    def away(*_: object) -> None:
        raise redis.ConnectionError

    def again() -> Any:
        return fetch(staff.post(f"/api/nodes/{told['id']}/rotate-key").json()["onboarding"]["key"]).json()

    with monkeypatch.context() as patched:
        patched.setattr(broker_users, "take_back", away)
        second = again()
    assert len(users(kept, told)) == 2
    say(told, second["key"])
    newest = again()
    for _ in range(2):
        later("n3", 6)
        say(told, newest["key"])
    assert users(kept, told) == {f"node-{told['id']}-3"}


def test_keys_are_sealed_and_a_message_of_nobodys_is_nothing(staff: Api, kept: "redis.Redis") -> None:
    told = joined(staff)
    assert told["key"] not in node("n3").key
    assert vault.unseal(node("n3").key, about=f"node.key:{told['id']}") == told["key"]
    say({"id": "aaaaaaaaaaaa"}, told["key"])
    body = json.dumps(frame(at=timezone.now()))
    tasks.report("aaaaaaaaaaaa", body, signing.sign(told["key"], body))


def test_a_node_that_comes_has_what_its_cluster_carries_to_be_deployed(
    staff: Api, kept: "redis.Redis", world: World
) -> None:
    revision = build.revision(world.ours)
    with tenant_scope(world.ours):
        Snapshot.objects.create(
            tenant=world.ours,
            cluster=build.cluster(),
            revision=revision,
            generation=7,
            digest="0" * 32,
            state={"key": "x"},
        )
    joined(staff)
    with tenant_scope(world.ours):
        found = Deployment.objects.get(node__name="n3")
    assert (found.revision_id, found.generation, found.state) == (revision.pk, 7, "queued")
