"""Every page of a tenant says whether its newest state serves, on how many nodes, and what waits."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from balancer.fleet.models import Deploy, Deployment, DeploymentState, Node
from balancer.services import staging
from tenants.scope import platform_scope, tenant_scope
from tests import build
from tests.conftest import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(world: World) -> Client:
    client = Client()
    client.force_login(world.owner)
    return client


def pill(client: Client, path: str = "/t/ours/header") -> dict[str, str]:
    answer = client.get(path)
    assert answer.status_code == 200
    tag = re.search(r'<span id="serving"[^>]*>', answer.content.decode())
    assert tag
    return dict(re.findall(r'data-(\w+)="([^"]*)"', tag[0])) | {
        "waiting": re.search(r'data-testid="pending-bar" data-count="(\d+)"', answer.content.decode())[1]  # type: ignore[index]
    }


def state(world: World, states: dict[str, DeploymentState], *, heard: timedelta = timedelta()) -> None:
    with platform_scope():
        Node.objects.update(heartbeat_at=timezone.now() - heard)
        for name, value in states.items():
            Deployment.objects.filter(tenant=world.ours, node__name=name).update(state=value)


def names() -> list[str]:
    with platform_scope():
        return list(Node.objects.order_by("name").values_list("name", flat=True))


def deployed(world: World) -> int:
    """A revision of ours that every node was told of."""
    first = build.deployment(world.ours)
    with platform_scope():
        for node in Node.objects.exclude(pk=first.node_id):
            Deployment.objects.create(
                tenant=world.ours,
                revision=first.revision,
                node=node,
                generation=first.generation,
                queued_at=first.queued_at,
            )
    return int(first.revision.number)


def test_the_pill_counts_the_nodes_that_took_the_newest_state(world: World, reader: Client) -> None:
    deployed(world)
    all_of_them, first = names(), names()[0]
    many = str(len(all_of_them))
    state(world, dict.fromkeys(all_of_them, DeploymentState.QUEUED))
    seen = pill(reader)
    assert (seen["state"], seen["live"], seen["nodes"]) == ("deploying", "0", many)
    state(world, dict.fromkeys(all_of_them, DeploymentState.LIVE))
    assert (pill(reader)["state"], pill(reader)["live"]) == ("live", many)
    state(world, {first: DeploymentState.REFUSED})
    assert pill(reader)["state"] == "failed"
    assert f"Not yet taken by {first}." in reader.get("/t/ours/header").content.decode()


def test_what_a_silent_node_took_is_not_green(world: World, reader: Client) -> None:
    deployed(world)
    state(world, dict.fromkeys(names(), DeploymentState.LIVE), heard=timedelta(minutes=2))
    assert pill(reader)["state"] == "stale"
    assert "not heard from lately" in reader.get("/t/ours/header").content.decode()


def test_what_was_saved_and_is_not_in_a_revision_is_pending(world: World, reader: Client) -> None:
    deployed(world)
    state(world, dict.fromkeys(names(), DeploymentState.LIVE))
    build.pool(world.ours, name="not yet cut")
    assert (pill(reader)["state"], pill(reader)["waiting"]) == ("pending", "0")


def test_the_bar_counts_what_waits_for_somebody(world: World, reader: Client) -> None:
    with tenant_scope(world.ours):
        staging.set_delivery({"deploy": Deploy.STAGED}, by=build.actor(world.owner), now=timezone.now())
    build.pool(world.ours, name="one")
    build.pool(world.ours, name="two")
    assert pill(reader)["waiting"] == "2"
    assert "2 changes wait: they are saved, and not served yet." in reader.get("/t/ours/pools").content.decode()


@pytest.mark.parametrize("path", ["/t/ours/", "/t/ours/pools", "/t/ours/members", "/t/ours/domains", "/t/ours/audit"])
def test_every_page_of_a_tenant_says_it_in_its_header(world: World, reader: Client, path: str) -> None:
    deployed(world)
    assert pill(reader, path)["number"] == pill(reader)["number"] != ""


def test_it_says_nothing_of_another_tenant(world: World, reader: Client) -> None:
    build.deployment(world.theirs)
    assert pill(reader)["number"] == ""
    number = deployed(world)
    build.deployment(world.theirs)
    assert reader.get("/t/theirs/header").status_code == 404
    assert pill(reader)["number"] == str(number)
