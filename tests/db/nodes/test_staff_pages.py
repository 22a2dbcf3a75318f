"""Staff's pages of nodes and moves: what they show, and that each button asks, acts, and is written down."""

import re
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from balancer.fleet.models import Cluster, Move, Node, Service, Snapshot
from balancer.services import nodes
from tenants.models import AuditEntry, SignIn
from tenants.scope import platform_scope, tenant_scope
from tests import build
from tests.conftest import World
from tests.db.nodes.conftest import Asked, Beat, node
from tests.db.nodes.test_keys import fetch

pytestmark = pytest.mark.django_db
NODES, MOVES = "/staff/fleet/node/", "/staff/fleet/move/"


@pytest.fixture
def browser(world: World) -> Client:
    client = Client()
    client.force_login(build.staff(email="staff@veloflux.test"))
    return client


def page(browser: Client, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200, (answer.status_code, answer.content[:300])
    return str(answer.content.decode())


def of(name: str) -> str:
    return f"{NODES}{node(name).pk}/"


def acts() -> list[str]:
    with platform_scope():
        theirs = AuditEntry.objects.filter(actor="staff@veloflux.test").exclude(act="sign_in.console")
        return list(theirs.order_by("id").values_list("act", flat=True))


def test_the_list_says_how_each_node_is(browser: Client, beat: Beat) -> None:
    beat("n1", drift=["taaaaaaaaaaaa should be: x"])
    shown = page(browser, NODES)
    assert "2.6.12" in shown
    assert re.search(r"\d s ago", shown)
    assert "never" in shown, "of n2"
    assert "1 drifted" in shown
    assert "staff/fresh" in shown, "it is looked at again by itself"
    assert nodes.key_of(node("n1")) not in shown
    assert "aaaaaaaaaaaa: should be: x" in page(browser, f"{of('n1')}change/")


def test_a_node_is_added_and_its_command_is_shown_once(browser: Client, kept: "redis.Redis") -> None:
    assert "good once" in page(browser, f"{NODES}add/")
    wrong = browser.post(f"{NODES}add/", {"name": "n1", "cluster": build.cluster().pk})
    assert (wrong.status_code, "There is a node n1 already" in wrong.content.decode()) == (409, True)
    neither = browser.post(f"{NODES}add/", {"name": "n3"})
    assert "one of the two" in neither.content.decode()
    answer = browser.post(f"{NODES}add/", {"name": "n3", "new_cluster": "eu"})
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    found = re.search(r"node join \S+ (vfn_[\w-]{43})", answer.content.decode())
    assert found is not None
    assert found[1] not in page(browser, NODES) + page(browser, f"{of('n3')}change/")
    assert fetch(found[1]).status_code == 200
    assert node("n3").cluster.name == "eu"
    assert acts() == ["cluster.create", "node.create"]


def test_each_button_asks_first_and_then_acts(browser: Client, beat: Beat, sent: Asked) -> None:
    beat("n1", "n2")
    for word, form, done in (
        ("cordon", {"reason": "disk", "force": "on"}, "node.cordon"),
        ("uncordon", {}, "node.uncordon"),
        ("leave", {"grace_minutes": "0"}, "node.leave"),
        ("return", {}, "node.return"),
        ("redeploy", {}, "node.redeploy"),
    ):
        url = f"{of('n1')}do/{word}/"
        before = acts()
        assert "<form" in page(browser, url)
        assert acts() == before, "a look does nothing"
        assert browser.post(url, form).status_code == 302, word
        assert acts()[-1] == done
    assert node("n1").service == Service.IN
    assert node("n1").cordoned_at is None


def test_only_what_can_be_is_offered(browser: Client, beat: Beat) -> None:
    with platform_scope():
        nodes.take_in("n3", build.cluster(), key="3" * 64, announced=True)
    shown = page(browser, f"{of('n3')}change/")
    assert "Change its key" in shown
    assert "Take out of service" not in shown
    assert browser.post(f"{of('n3')}do/leave/", {"grace_minutes": "0"}).status_code == 302
    assert node("n3").service == Service.IN
    assert acts() == []


def test_a_refusal_is_said_on_the_page(browser: Client, beat: Beat) -> None:
    beat("n1")
    answer = browser.post(f"{of('n1')}do/leave/", {"grace_minutes": "1"})
    assert answer.status_code == 409
    assert "No other node of main" in answer.content.decode()
    answer = browser.post(f"{of('n1')}do/remove/", {"force": "on"})
    assert answer.status_code == 409
    assert node("n1").pk


def test_a_key_is_changed_and_a_node_removed(browser: Client, beat: Beat) -> None:
    beat("n1", "n2", at=timezone.now() - timedelta(seconds=60))
    beat("n1")
    answer = browser.post(f"{of('n2')}do/rotate-key/", {})
    assert re.search(r"node fetch-key \S+ vfn_", answer.content.decode())
    assert browser.post(f"{of('n2')}do/remove/", {}).status_code == 302
    with platform_scope():
        assert not Node.objects.filter(name="n2").exists()
    assert acts() == ["node.rotate_key", "node.remove"]


def test_staff_show_that_it_is_them_before_a_key_is_made(browser: Client) -> None:
    with platform_scope():
        SignIn.objects.update(proven_at=timezone.now() - timedelta(minutes=20))
    for url in (f"{NODES}add/", f"{of('n1')}do/rotate-key/", f"{of('n1')}do/remove/"):
        answer = browser.post(url, {"name": "n3", "new_cluster": "eu"})
        assert answer.status_code == 302, url
        assert "/reauthenticate" in answer["Location"]
    assert "Cordon" in page(browser, f"{of('n1')}change/")


def test_a_tenant_is_moved_and_called_off(browser: Client, world: World) -> None:
    with platform_scope():
        other = Cluster.objects.create(name="second")
        nodes.take_in("m1", other, key="m" * 64)
    revision = build.revision(world.ours)
    with tenant_scope(world.ours):
        values: dict[str, Any] = {"generation": 1, "digest": "0" * 32, "state": {"key": "x"}}
        Snapshot.objects.create(tenant=world.ours, cluster=build.cluster(), revision=revision, **values)
    nobody = browser.post(f"{MOVES}add/", {"tenant": "nobody", "to": other.pk, "grace_minutes": "5"})
    assert "There is no such tenant" in nobody.content.decode()
    sent = browser.post(f"{MOVES}add/", {"tenant": world.ours.slug, "to": other.pk, "grace_minutes": "5"})
    assert sent.status_code == 302, sent.content[:300]
    with platform_scope():
        move = Move.objects.get()
    assert (move.grace_seconds, str(move.target)) == (300, "second")
    assert "placing" in page(browser, MOVES)
    again = browser.post(f"{MOVES}add/", {"tenant": world.ours.slug, "to": other.pk, "grace_minutes": "5"})
    assert "being moved already" in again.content.decode()
    assert "Call it off" in page(browser, f"{MOVES}{move.pk}/change/")
    assert browser.post(f"{MOVES}{move.pk}/do/call-off/", {}).status_code == 302
    assert "Called off" in page(browser, MOVES)
    assert "Call it off" not in page(browser, f"{MOVES}{move.pk}/change/")
    assert "second" in page(browser, "/staff/fleet/cluster/")


def test_clusters_are_counted_by_one_query_however_many(browser: Client, django_assert_max_num_queries: Any) -> None:
    with CaptureQueriesContext(connection) as few:
        shown = page(browser, "/staff/fleet/cluster/")
    assert re.search(r'field-nodes_here">2<.*?field-takes_new_tenants"><img[^>]*alt="True"', shown, re.DOTALL)
    with platform_scope():
        for number in range(4):
            nodes.take_in(f"m{number}", Cluster.objects.create(name=f"more {number}"), key="4" * 64)
        Node.objects.filter(name="m0").update(cordoned_at=timezone.now())
    with django_assert_max_num_queries(len(few)):
        shown = page(browser, "/staff/fleet/cluster/")
    takes = re.findall(r'field-takes_new_tenants"><img[^>]*alt="(\w+)"', shown)
    assert sorted(takes) == ["False", "True", "True", "True", "True"]


def test_whoever_is_not_staff_sees_none_of_it(world: World, client: Client) -> None:
    client.force_login(world.owner)
    for url in (NODES, f"{of('n1')}change/", f"{of('n1')}do/cordon/", f"{NODES}add/"):
        assert client.get(url).status_code == 302, "to the door"
        assert client.post(url, {}).status_code == 302
    assert node("n1").cordoned_at is None
